export enum Shelf {
  Fiction = "fiction",
  Science = "science",
}

export interface Book {
  id: number;
  title: string;
  shelf: Shelf;
}

// Kept in memory: it lives as long as the isolate does.
export class Store {
  #books = new Map<number, Book>();
  #next = 1;

  constructor(private readonly most: number) {}

  add(title: string, shelf: Shelf): Book {
    if (this.#books.size >= this.most) throw new RangeError("the shelves are full");
    const book: Book = { id: this.#next++, title, shelf };
    this.#books.set(book.id, book);
    return book;
  }

  get(id: number): Book | undefined {
    return this.#books.get(id);
  }

  list(): Book[] {
    return [...this.#books.values()];
  }
}
