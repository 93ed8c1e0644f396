import mysql from "mysql2/promise";

export default {
  async fetch(request, env) {
    const connection = await mysql.createConnection({
      host: "127.0.0.1", port: +env.PORT, user: "bee", password: "honey", database: "hive", disableEval: true,
    });
    const [rows] = await connection.query("select 1");
    await connection.end();
    return Response.json({ rows });
  },
};
