import { z } from "zod";

const Hive = z.object({ name: z.string().min(2), bees: z.number().int().positive(), tags: z.array(z.string()).default([]) });

export default {
  async fetch(request) {
    const result = Hive.safeParse(await request.json());
    return Response.json(result.success ? { ok: result.data } : { issues: result.error.issues.map((one) => one.path.join(".")) });
  },
};
