export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/api/version") return Response.json(env.VERSION);
    if (pathname === "/api/style") {
      const style = await env.ASSETS.fetch(new URL("/assets/style.css", request.url));
      return Response.json({ type: style.headers.get("content-type"), text: await style.text() });
    }
    return new Response("There is no such API.\n", { status: 404 });
  },

  async scheduled(controller, env, ctx) {
    console.log(`cron ${controller.cron} at ${new Date(controller.scheduledTime).toISOString()}`);
  },
};
