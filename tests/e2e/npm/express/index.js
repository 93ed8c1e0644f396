import express from "express";
import { httpServerHandler } from "cloudflare:node";

const app = express();
app.use(express.json());
app.get("/hello/:name", (req, res) => res.json({ hello: req.params.name, query: req.query.q, ip: typeof req.ip }));
app.post("/sum", (req, res) => res.status(201).send(`${req.body.a + req.body.b}`));
app.get("/text", (req, res) => res.set("X-Made-By", "express").send("<b>text</b>"));
app.get("/moved", (req, res) => res.redirect("/text"));
app.get("/broken", () => {
  throw new Error("a handler's error");
});
app.use((error, req, res, next) => res.status(500).json({ error: error.message, next: typeof next }));
app.listen(3000);

export default httpServerHandler({ port: 3000 });
