/**
 * One `get` under way, from the side of the fiber that reads it: a walk's items are handed over as they arrive, several at once
 * where it was slower. Between two of them nothing of Effect runs, since most gets, of idle topics, find nothing.
 */
import { Cause, Effect, type Pull } from "effect"
import type { MutableItem } from "./Dht.ts"
import type { DhtError } from "./DhtError.ts"
import { says } from "./mutableItem.ts"

/** What a walk tells its reading. */
export interface ReadingSink {
  readonly item: (item: MutableItem) => void
  /** The walk is over; it failed if there is an error. */
  readonly end: (error: DhtError | undefined) => void
}

export class Reading implements ReadingSink {
  private readonly begin: (sink: ReadingSink) => () => void
  private readonly seen: Array<MutableItem> = []
  private arrived: Array<MutableItem> = []
  /** Ends the walk under way. */
  private cancel: (() => void) | undefined
  private state: "idle" | "walking" | "done" | { readonly error: DhtError } = "idle"
  private waiting: (() => void) | undefined
  /** To run when all that has arrived is taken. */
  private onTaken: (() => void) | undefined

  /** `begin` starts a walk and gives what ends it early. Neither of the sink's functions is called before it returns. */
  constructor(begin: (sink: ReadingSink) => () => void) {
    this.begin = begin
  }

  /** Whether there are items to take without a walk. */
  get hasArrived(): boolean {
    return this.arrived.length > 0
  }

  item(item: MutableItem): void {
    // Another walk finds again what an earlier one has found.
    if (this.seen.some(({ seq, value }) => says(item, seq, value))) return
    this.seen.push(item)
    this.arrived.push(item)
    this.wake()
  }

  /** Enough nodes have answered: `run` is called once the reader has taken what they said. */
  heard(run: () => void): void {
    if (this.waiting !== undefined && this.arrived.length === 0) run()
    else this.onTaken = run
  }

  end(error: DhtError | undefined): void {
    this.cancel = undefined
    this.state = error === undefined ? "done" : { error }
    this.wake()
  }

  /** Ends the walk, if one is under way: nobody reads any more. */
  stop(): void {
    this.cancel?.()
    this.cancel = undefined
  }

  /** The next items. It begins a walk where none is under way: at first, and after one that failed. */
  readonly pull: Pull.Pull<readonly [MutableItem, ...Array<MutableItem>], DhtError> = Effect.suspend(() => {
    const [first, ...rest] = this.arrived
    if (first !== undefined) {
      this.arrived = []
      return Effect.succeed([first, ...rest] as const)
    }
    const { onTaken } = this
    this.onTaken = undefined
    onTaken?.()
    if (this.state === "done") return Cause.done()
    if (typeof this.state === "object") {
      const { error } = this.state
      this.state = "idle"
      return Effect.fail(error)
    }
    if (this.state === "idle") {
      this.state = "walking"
      this.cancel = this.begin(this)
    }
    return this.untilNews
  })

  private readonly untilNews = Effect.callback<void>((resume) => {
    this.waiting = () => resume(Effect.void)
    return Effect.sync(() => {
      this.waiting = undefined
    })
  }).pipe(Effect.andThen(Effect.suspend(() => this.pull)))

  private wake(): void {
    const { waiting } = this
    this.waiting = undefined
    waiting?.()
  }
}
