/**
 * Divides the event loop among the readers of all peers. A reader works at once while little was done since the loop last turned.
 * Otherwise it waits in the line of its peer, and the peers take turns, so that the flood of one delays the frames of another by
 * some milliseconds only. Work is measured as in WorkBudget.ts.
 */
import type { Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"

/** The work after which another peer has its turn, in estimated microseconds. */
const SLICE = 1_000

/** The work after which the event loop turns. */
const ROUND = 4_000

/** A reader with frames to hand on. */
export interface FairWorker {
  readonly from: EndpointId.EndpointId
  /** Works until about this much is done. Returns the work that was done. It calls {@link FairTurns.run} again if more is left. */
  readonly work: (limit: number) => number
}

export class FairTurns {
  private readonly timers: Timers
  private readonly lines = new Map<EndpointId.EndpointId, Array<FairWorker>>()
  private readonly queued = new Set<FairWorker>()
  private done = 0
  private isScheduled = false

  constructor(timers: Timers) {
    this.timers = timers
  }

  /** Lets the reader work now or soon. Does nothing if it waits already. */
  run(worker: FairWorker): void {
    if (this.queued.has(worker)) return
    if (this.done < ROUND && this.queued.size === 0) {
      this.done += worker.work(SLICE)
      return
    }
    this.add(worker)
  }

  /** Lets the reader work again after the others. */
  runAgain(worker: FairWorker): void {
    if (!this.queued.has(worker)) this.add(worker)
  }

  private add(worker: FairWorker): void {
    this.queued.add(worker)
    const line = this.lines.get(worker.from)
    if (line === undefined) this.lines.set(worker.from, [worker])
    else line.push(worker)
    if (this.isScheduled) return
    this.isScheduled = true
    this.timers.runSoon(() => this.round())
  }

  private round(): void {
    this.isScheduled = false
    this.done = 0
    while (this.done < ROUND) {
      const first = this.lines.entries().next()
      if (first.done === true) return
      const [peer, line] = first.value
      const worker = line.shift()!
      // The peer goes to the end of the round.
      this.lines.delete(peer)
      if (line.length > 0) this.lines.set(peer, line)
      this.queued.delete(worker)
      this.done += worker.work(SLICE)
    }
    if (this.queued.size === 0 || this.isScheduled) return
    this.isScheduled = true
    this.timers.runSoon(() => this.round())
  }
}
