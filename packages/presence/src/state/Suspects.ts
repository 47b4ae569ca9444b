/**
 * The members that are suspected, and when each of them is lost; and whether so many were lost together that the swarm is split. Pure.
 * Source: Lifeguard (Dadgar, Phillips, Currey 2017), section IV-B, for the time that shrinks with each further accuser.
 */
import * as Limits from "./limits.ts"
import type { Entry, Roster } from "./Roster.ts"

/**
 * The suspected members.
 *
 * @since 0.1.0
 */
export class Suspects {
  readonly #roster: Roster
  readonly #suspected = new Map<string, Entry>()
  /** The deadline, unless something has changed: half of a swarm may be suspected, and it is asked for at each event. */
  #nextAt: number | undefined = Number.POSITIVE_INFINITY
  /** The members that were lost a short time ago. */
  #lost: Array<Entry> = []

  constructor(roster: Roster) {
    this.#roster = roster
  }

  /** When {@link takeLost} gives something. */
  get deadline(): number {
    if (this.#nextAt === undefined) {
      this.#nextAt = Number.POSITIVE_INFINITY
      for (const entry of this.#suspected.values()) this.#nextAt = Math.min(this.#nextAt, this.#lostAt(entry))
    }
    return this.#nextAt
  }

  /** Adds an accusation. True if it is the first one. */
  accuse(entry: Entry, accuser: string, note: Uint8Array, now: number): boolean {
    if (entry.status === "left") return false
    entry.accusations ??= new Map()
    if (entry.accusations.size >= Limits.MAX_ACCUSATIONS) return false
    entry.accusations.set(accuser, note)
    if (entry.status === "lost") return false
    const isFirst = entry.accusations.size === 1
    if (isFirst) entry.suspectedAt = now
    this.#suspected.set(entry.member, entry)
    this.#nextAt = undefined
    return isFirst
  }

  /** The member is not suspected any more. */
  clear(member: string): void {
    if (this.#suspected.delete(member)) this.#nextAt = undefined
  }

  /** The process stood still for so long. */
  excuse(ms: number): void {
    for (const entry of this.#suspected.values()) entry.suspectedAt += ms
    this.#nextAt = undefined
  }

  /** Loses the members whose time is over. */
  takeLost(now: number): ReadonlyArray<Entry> {
    if (now < this.deadline) return []
    this.#nextAt = undefined
    const lost = [...this.#suspected.values()].filter((entry) => now >= this.#lostAt(entry))
    for (const entry of lost) {
      this.#suspected.delete(entry.member)
      this.#roster.lose(entry, false, now)
    }
    if (lost.length > 0) this.#noteLost(lost, now)
    return lost
  }

  #lostAt({ accusations, suspectedAt }: Entry): number {
    const further = (accusations?.size ?? 1) - 1
    const most = Math.max(0, Math.min(Limits.MAX_ACCUSATIONS - 1, this.#roster.count - 2))
    const share = most === 0 ? 1 : Math.min(1, Math.log(further + 1) / Math.log(most + 1))
    return suspectedAt + Limits.SUSPICION_MAX_MS - share * (Limits.SUSPICION_MAX_MS - Limits.SUSPICION_MIN_MS)
  }

  #noteLost(lost: ReadonlyArray<Entry>, now: number): void {
    this.#lost = this.#lost.filter(({ lostAt, status }) => status === "lost" && now <= lostAt + Limits.MASS_MS)
    this.#lost.push(...lost)
    const least = Math.max(Limits.MASS_LEAST, Limits.MASS_SHARE * (this.#roster.count + this.#lost.length))
    if (this.#lost.length >= least) for (const each of this.#lost) each.isParted = true
  }
}
