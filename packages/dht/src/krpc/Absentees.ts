/**
 * Which addresses did not answer lately, so that no walk waits for one that another walk has just waited for. Nodes go on
 * naming a dead node for minutes. An address that has answered before may miss one query: packets are lost, and where many
 * are, few nodes would be left to ask. It knows no clock: times go in, in ms.
 */

/** How long an address that lost a query is left alone. */
const absence = 60_000

/** So many queries in a row an address leaves unanswered before it is left alone. */
const missesMax = 2

const capacity = 4096

export class Absentees {
  /** Until when each address is taken for absent: for ever while a slow query to it is still open. */
  private readonly until = new Map<string, number>()

  /** An answer is overdue: the address is absent until the query is decided. */
  slow(address: string): void {
    this.note(address, Number.POSITIVE_INFINITY)
  }

  /**
   * A query to the address was lost; `missed` says how many in a row since it last answered, undefined that it never has.
   */
  lost(address: string, missed: number | undefined, now: number): void {
    if (missed === undefined || missed >= missesMax) this.note(address, now + absence)
    else this.until.delete(address)
  }

  answered(address: string): void {
    this.until.delete(address)
  }

  /** Nobody answered at all: it was us who were absent. */
  forget(): void {
    this.until.clear()
  }

  has(address: string, now: number): boolean {
    const until = this.until.get(address)
    if (until === undefined) return false
    if (until > now) return true
    this.until.delete(address)
    return false
  }

  private note(address: string, until: number): void {
    this.until.delete(address)
    this.until.set(address, until)
    if (this.until.size <= capacity) return
    for (const oldest of this.until.keys()) {
      this.until.delete(oldest)
      break
    }
  }
}
