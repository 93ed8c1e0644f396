// A router in TypeScript with a dependency from npm. `npm install` in this folder once; no bundler.
import { Hono } from "hono";
import type { Context } from "hono";
import { Shelf, Store } from "./store";

type Bindings = { TITLE: string };

const app = new Hono<{ Bindings: Bindings }>();
const store = new Store(1000);

app.get("/", (c: Context<{ Bindings: Bindings }>) => c.text(`${c.env.TITLE}\n`));
app.get("/books", (c) => c.json(store.list()));
app.get("/books/:id{[0-9]+}", (c) => {
  const book = store.get(Number(c.req.param("id")));
  return book ? c.json(book) : c.json({ error: "no such book" }, 404);
});
app.post("/books", async (c) => {
  const { title, shelf = Shelf.Fiction } = await c.req.json<{ title?: string; shelf?: Shelf }>();
  if (!title) return c.json({ error: "a book needs a title" }, 400);
  return c.json(store.add(title, shelf), 201);
});
app.notFound((c) => c.text("Not found\n", 404));

export default app;
