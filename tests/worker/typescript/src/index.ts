import { Base, Kind, Sizes, type Only } from "@lib/kinds";
import type { Nothing } from "./no_such_file";

interface Env {
  TITLE: string;
}

class Shown<T extends object> extends Base<T> {
  override show(): string {
    return `${this.size satisfies number}` as string;
  }
}

function same<T>(actual: T, expected: T): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`expected ${b}, got ${a}`);
}

export const types_go_and_enums_stay = {
  test(): void {
    same([Kind.Large, Kind.Named, Kind[1], Sizes.small], [16, "named", "Small", 1]);
    const shown = new Shown<Only>({ only: "a type" }, 2);
    same([shown.show(), Object.keys(shown)], ["3", ["held", "count"]]);
    const nothing = undefined as unknown as Nothing | undefined;
    same(nothing?.["x"]!, undefined);
  },
};

export const handlers_are_typed = {
  async test(controller: unknown, env: Env): Promise<void> {
    const handler: { fetch(request: Request, env: Env): Promise<Response> } = {
      fetch: async (request, { TITLE }) => Response.json({ TITLE, path: new URL(request.url).pathname }),
    };
    const answer = await handler.fetch(new Request("http://a.example/p"), env);
    same(await answer.json<{ TITLE: string }>(), { TITLE: "Books", path: "/p" });
    same([...generic<number>([3, 1, 2])], [1, 2, 3]);
  },
};

function* generic<T>(items: T[]): Generator<T, void, undefined> {
  for (const item of <T[]>[...items].sort()) yield item;
}
