// A worker that others call: no route leads to it, its methods are what it offers.
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";

type User = { name: string; points: number };
const users = new Map<string, User>([
  ["ada", { name: "Ada", points: 3 }],
  ["grace", { name: "Grace", points: 5 }],
]);

// What a caller gets for one user. Its methods run here, its fields stay here.
class Account extends RpcTarget {
  #user: User;
  constructor(user: User) {
    super();
    this.#user = user;
  }
  get name() {
    return this.#user.name;
  }
  points() {
    return this.#user.points;
  }
  // The caller's function is called once a point.
  async add(count: number, each: (points: number) => Promise<void>) {
    for (let i = 0; i < count; i++) await each(++this.#user.points);
    return this.#user.points;
  }
}

export default class Users extends WorkerEntrypoint {
  account(id: string) {
    const user = users.get(id);
    if (!user) throw new RangeError(`no user "${id}"`);
    return new Account(user);
  }

  names() {
    return [...users.values()].map((user) => user.name);
  }

  // fetch() of the binding.
  async fetch(request: Request) {
    return Response.json({ method: request.method, body: await request.text() });
  }
}

// Another entrypoint, for those whose binding names it. What it may do stands in the binding.
export class Report extends WorkerEntrypoint<unknown, { title: string }> {
  lines() {
    const lines = [...users.values()].map((user) => `${user.name}: ${user.points}\n`);
    return new Blob([`${this.ctx.props.title}\n`, ...lines]).stream();
  }
}
