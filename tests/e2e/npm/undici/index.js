import { Headers as UndiciHeaders, MockAgent, request, setGlobalDispatcher } from "undici";

export default {
  async fetch(_, env) {
    const agent = new MockAgent();
    agent.disableNetConnect();
    agent.get("http://hive.test").intercept({ path: "/bees" }).reply(200, { bees: 42 });
    setGlobalDispatcher(agent);
    const { statusCode, body } = await request("http://hive.test/bees");
    return Response.json({ statusCode, body: await body.json(), header: new UndiciHeaders([["a", "b"]]).get("A"), port: typeof env.PORT });
  },
};
