/** The accusations that this node is about to make, and how many it believes of each accuser. Pure. */
import { TokenBuckets } from "@topic-tracker/common/TokenBucket"
import * as Limits from "./limits.ts"
import type { Accused } from "./notes.ts"

/**
 * Accusations to come.
 *
 * @since 0.1.0
 */
export class Accusers {
  readonly #random: () => number
  readonly #planned = new Map<string, { readonly stamp: number; readonly at: number }>()
  readonly #rates = new TokenBuckets<string>(4_096, Limits.ACCUSATIONS_BURST, Limits.ACCUSATIONS_PER_SECOND)

  constructor(random: () => number) {
    this.#random = random
  }

  /** When {@link takeDue} gives something. */
  get deadline(): number {
    let next = Number.POSITIVE_INFINITY
    for (const { at } of this.#planned.values()) next = Math.min(next, at)
    return next
  }

  /** Accuses the member soon. */
  plan({ member, stamp }: Accused, now: number): void {
    if (this.#planned.get(member)?.stamp === stamp) return
    this.#planned.set(member, { stamp, at: now + Limits.ACCUSE_WITHIN_MS * this.#random() })
  }

  /** The member was heard. */
  acquit(member: string): void {
    this.#planned.delete(member)
  }

  /** The accusations whose time has come, as many as fit into one note. */
  takeDue(now: number): ReadonlyArray<Accused> {
    const due: Array<Accused> = []
    for (const [member, { at, stamp }] of this.#planned) {
      if (at > now || due.length >= Limits.MAX_ACCUSED) continue
      this.#planned.delete(member)
      due.push({ member, stamp })
    }
    return due
  }

  /** Whether the accuser may accuse so many members now. Counts them. */
  mayAccuse(accuser: string, count: number, now: number): boolean {
    return this.#rates.take(accuser, now, count)
  }
}
