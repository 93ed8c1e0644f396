export default {
  async fetch(request, env) {
    const key = request.headers.get("X-Api-Key") ?? request.headers.get("CF-Connecting-IP") ?? "";
    const { success } = await env.LIMIT.limit({ key });
    if (!success) {
      return Response.json({ error: "too many requests" }, { status: 429, headers: { "Retry-After": "10" } });
    }
    return Response.json({ hello: key });
  },
};
