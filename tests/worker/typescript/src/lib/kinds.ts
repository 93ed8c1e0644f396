export enum Kind {
  Small = 1,
  Large = Small << 4,
  Named = "named",
}

export namespace Sizes {
  export const small: number = Kind.Small;
}

export abstract class Base<T extends object> {
  declare readonly tag: string;
  constructor(protected readonly held: T, private count?: number) {}
  abstract show(): string;
  get size(): number {
    return Object.keys(this.held).length + (this.count ?? 0);
  }
}
export type Only = { only: "a type" };
