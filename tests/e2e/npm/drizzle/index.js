import { eq, gt, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/pg-proxy";
import { integer, pgTable, text } from "drizzle-orm/pg-core";

const hives = pgTable("hives", { id: integer("id").primaryKey(), name: text("name").notNull(), bees: integer("bees") });

export default {
  async fetch() {
    const seen = [];
    const db = drizzle(async (query, params, method) => {
      seen.push({ query, params, method });
      return { rows: [[1, "old", 7]] };
    });
    const rows = await db.select().from(hives).where(gt(hives.bees, 5)).orderBy(sql`lower(${hives.name})`);
    await db.update(hives).set({ name: "new" }).where(eq(hives.id, 1));
    return Response.json({ rows, seen });
  },
};
