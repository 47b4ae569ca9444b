/** What each node sent, and how often each other node heard it. */
import type { Heard, Traffic } from "../victim/api.ts"

export interface Pair {
  readonly from: string
  readonly to: string
  readonly sent: number
  readonly received: number
  readonly lost: number
  readonly twice: number
}

export class Tally {
  /** Numbers sent, by author. */
  readonly #sent = new Map<string, Set<number>>()
  /** Times heard, by receiver, author and number. */
  readonly #heard = new Map<string, Map<string, Map<number, number>>>()
  readonly #names: ReadonlyArray<readonly [name: string, author: string]>

  /** The names of the nodes, and the authors in their messages. */
  constructor(names: ReadonlyArray<readonly [name: string, author: string]>) {
    this.#names = names
    for (const [, author] of names) this.#sent.set(author, new Set())
  }

  addSent(author: string, numbers: Iterable<number>): void {
    for (const number of numbers) this.#sent.get(author)?.add(number)
  }

  addHeard(receiver: string, heard: ReadonlyArray<Heard>): void {
    const byAuthor = this.#heard.get(receiver) ?? new Map<string, Map<number, number>>()
    this.#heard.set(receiver, byAuthor)
    for (const [author, number] of heard) {
      const times = byAuthor.get(author) ?? new Map<number, number>()
      byAuthor.set(author, times)
      times.set(number, (times.get(number) ?? 0) + 1)
    }
  }

  addTraffic(author: string, { heard, sent }: Traffic): void {
    this.addSent(
      author,
      sent.map(([number]) => number),
    )
    this.addHeard(author, heard)
  }

  pairs(): ReadonlyArray<Pair> {
    return this.#names.flatMap(([from, author]) =>
      this.#names.flatMap(([to, receiver]) => {
        if (author === receiver) return []
        const sent = this.#sent.get(author) ?? new Set<number>()
        const times = this.#heard.get(receiver)?.get(author) ?? new Map<number, number>()
        const received = [...sent].filter((number) => times.has(number)).length
        const twice = [...times.values()].filter((count) => count > 1).length
        return [{ from, to, sent: sent.size, received, lost: sent.size - received, twice }]
      }),
    )
  }
}
