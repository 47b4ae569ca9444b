/** What a participant of the simulated network knows of the nodes around targets, and since when: a put within minutes needs no walk. */

/** What a walk has found out about the nodes around a target. */
export interface Vicinity {
  /** When the walk began, in ms of the clock. */
  readonly beganAt: number
  /** By when the nodes up to each one had answered, closest first, in ms from its beginning: then they may be put to. */
  readonly answeredBy: ReadonlyArray<number>
  /** When it was over, in ms of the clock. */
  readonly overAt: number
  /** Until when their tokens hold. */
  readonly until: number
}

/** BEP 5 has tokens live this long at least, in ms. */
const tokenAge = 5 * 60_000

const most = 1024

export class Vicinities {
  private readonly byTarget = new Map<string, Vicinity>()
  /** When the first walk of all is over. */
  private warmAt = Number.POSITIVE_INFINITY

  at(target: string): Vicinity | undefined {
    return this.byTarget.get(target)
  }

  /** Whether no walk is over yet, so that the next must begin with the bootstrap nodes. */
  isCold(now: number): boolean {
    return this.warmAt > now
  }

  /** Notes a walk that begins now and ends after `end` ms. */
  walked(target: string, now: number, answeredBy: ReadonlyArray<number>, end: number): void {
    const overAt = now + end
    this.warmAt = Math.min(this.warmAt, overAt)
    if (this.byTarget.size >= most) this.byTarget.clear()
    this.byTarget.set(target, { beganAt: now, answeredBy, overAt, until: overAt + tokenAge })
  }
}

/** When the nodes up to the `count` nearest of a target have answered, in ms of the clock. */
export const nearAt = ({ answeredBy, beganAt, overAt }: Vicinity, count: number): number => {
  const ms = answeredBy[count - 1]
  return ms === undefined ? overAt : beganAt + ms
}
