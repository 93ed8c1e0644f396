import { Hono } from "hono";
import { AsyncLocalStorage } from "node:async_hooks";

const storage = new AsyncLocalStorage();
const app = new Hono();
app.use((c, next) => storage.run(c.req.header("x-id"), next));
app.get("/id", async (c) => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  return c.text(`id ${storage.getStore()}`);
});

export default app;
