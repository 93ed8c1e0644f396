import pg from "pg";

export default {
  async fetch(request, env) {
    const client = new pg.Client({ host: "127.0.0.1", port: +env.PORT, user: "bee", password: "honey", database: "hive" });
    await client.connect();
    const plain = await client.query("select plain");
    const bound = await client.query("select $1::text as name, $2::int as number", ["hive", 42]);
    const failed = await client.query("select failure").catch((error) => error.code);
    await client.end();
    return Response.json({ plain: plain.rows, bound: bound.rows, failed });
  },
};
