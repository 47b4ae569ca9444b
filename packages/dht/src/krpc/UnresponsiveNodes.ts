/**
 * The addresses that did not answer in the last minute, so that a lookup does not wait for a node that another lookup has just
 * waited for: nodes go on naming a dead node for minutes. An address that has answered before may miss one query: packets get
 * lost, and with many losses too few nodes would be left. It knows no clock: times are given in ms.
 */
import { BoundedMap } from "@topic-tracker/common"

/** The time for which an address that lost a query is not asked. */
const AVOID_MS = 60_000

/** The number of queries in a row that an address may leave unanswered before it is avoided. */
const MAX_MISSES = 2

const CAPACITY = 4096

export class UnresponsiveNodes {
  /** The end of each address's absence; infinite while a slow query to it is open. */
  private readonly until = new BoundedMap<string, number>(CAPACITY)

  /** An answer is overdue: the address is avoided until the query ends. */
  slow(address: string): void {
    this.until.set(address, Number.POSITIVE_INFINITY)
  }

  /** A query to the address was lost. `missed` is the number in a row since its last answer; undefined if it never answered. */
  lost(address: string, missed: number | undefined, now: number): void {
    if (missed === undefined || missed >= MAX_MISSES) this.until.set(address, now + AVOID_MS)
    else this.until.delete(address)
  }

  answered(address: string): void {
    this.until.delete(address)
  }

  /** No node answered at all: then our own network failed, not the nodes. */
  forgetAll(): void {
    this.until.clear()
  }

  has(address: string, now: number): boolean {
    const until = this.until.get(address)
    if (until === undefined) return false
    if (until > now) return true
    this.until.delete(address)
    return false
  }
}
