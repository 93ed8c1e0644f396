// The worker that visitors reach. It has no data: it asks the worker "users" through its bindings.
// Try it: skep dev --config examples/rpc/site --config examples/rpc/users
export default {
  async fetch(request: Request, env: any) {
    const { pathname, searchParams } = new URL(request.url);
    switch (pathname) {
      case "/":
        return Response.json(await env.USERS.names());
      case "/points": {
        // One trip: the account is not waited for.
        using account = env.USERS.account(searchParams.get("user"));
        try {
          return Response.json({ name: await account.name, points: await account.points() });
        } catch (error: any) {
          return Response.json({ error: error.message, remote: error.remote }, { status: 404 });
        }
      }
      case "/add": {
        using account = await env.USERS.account(searchParams.get("user"));
        const seen: number[] = [];
        await account.add(2, (points: number) => {
          seen.push(points);
        });
        return Response.json(seen);
      }
      case "/report":
        return new Response(await env.REPORT.lines());
      default:
        return await env.USERS.fetch(request);
    }
  },
};
