// A Workers KV in which nothing is told, in the protocol that workerd's binding speaks: so the
// gateway reads its breakers' shared state as often as it would, and finds all of them closed.

export default {
  async fetch(request) {
    if (request.method !== "POST") return new Response(null);
    const { keys } = await request.json();
    return Response.json(Object.fromEntries(keys.map((key) => [key, null])));
  },
};
