// The least that a gateway can do, and so the limit: it forwards, and looks at nothing. Both bodies
// pass natively, without a byte of them in JavaScript.

export default {
  fetch(request, env) {
    return fetch(new Request(env.UPSTREAM, request));
  },
};
