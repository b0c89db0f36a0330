// The plain loop that passes a stream on in JavaScript: it reads a chunk and writes it.

const PASSED = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" };

export default {
  async fetch(request, env, context) {
    const answer = await fetch(new Request(env.UPSTREAM, request));
    const { readable, writable } = new IdentityTransformStream();
    context.waitUntil(relay(answer.body.getReader(), writable.getWriter()));
    return new Response(readable, { headers: PASSED });
  },
};

async function relay(reader, writer) {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    await writer.write(value);
  }
  await writer.close();
}
