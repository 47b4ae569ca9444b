/**
 * One running `get`, from the side of the fiber that reads it: the items of a lookup are passed on as they arrive, several at once
 * if the reader was slower. No Effect code runs between two items, because most gets, those of idle topics, find nothing. Unlike
 * the shared `EventQueue` it starts a lookup when it is read first, and another one when it is read again after a failure.
 */
import { Cause, Effect, type Pull } from "effect"
import { hasSameContent } from "./bep44/item.ts"
import type { DhtError } from "./DhtError.ts"
import type { MutableItem } from "./model.ts"

/** The receiver of a lookup's results. */
export interface LookupSink {
  readonly item: (item: MutableItem) => void
  /** The lookup is over; it failed if there is an error. */
  readonly end: (error: DhtError | undefined) => void
}

export class ItemPull implements LookupSink {
  readonly #begin: (sink: LookupSink) => () => void
  readonly #seen: Array<MutableItem> = []
  #arrived: Array<MutableItem> = []
  /** Ends the running lookup. */
  #cancel: (() => void) | undefined
  #state: "idle" | "running" | "done" | { readonly error: DhtError } = "idle"
  #waiting: (() => void) | undefined
  /** Runs when the reader has taken all items that have arrived. */
  #onTaken: (() => void) | undefined

  /** `begin` starts a lookup and returns a function that ends it early. The sink is not called before `begin` returns. */
  constructor(begin: (sink: LookupSink) => () => void) {
    this.#begin = begin
  }

  /** Whether there are items to take without a lookup. */
  get hasArrived(): boolean {
    return this.#arrived.length > 0
  }

  item(item: MutableItem): void {
    // A second lookup finds the items of the first again.
    if (this.#seen.some(({ seq, value }) => hasSameContent(item, seq, value))) return
    this.#seen.push(item)
    this.#arrived.push(item)
    this.#wake()
  }

  /** Enough nodes have answered: `run` is called when the reader has taken their items. */
  runWhenTaken(run: () => void): void {
    if (this.#waiting !== undefined && this.#arrived.length === 0) run()
    else this.#onTaken = run
  }

  end(error: DhtError | undefined): void {
    this.#cancel = undefined
    this.#state = error === undefined ? "done" : { error }
    this.#wake()
  }

  /** The reader has gone: ends the running lookup, if any. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  /** The next items. Begins a lookup if none is running: at first, and after one that failed. */
  readonly pull: Pull.Pull<readonly [MutableItem, ...Array<MutableItem>], DhtError> = Effect.suspend(() => {
    const [first, ...rest] = this.#arrived
    if (first !== undefined) {
      this.#arrived = []
      return Effect.succeed([first, ...rest] as const)
    }
    const onTaken = this.#onTaken
    this.#onTaken = undefined
    onTaken?.()
    if (this.#state === "done") return Cause.done()
    if (typeof this.#state === "object") {
      const { error } = this.#state
      this.#state = "idle"
      return Effect.fail(error)
    }
    if (this.#state === "idle") {
      this.#state = "running"
      this.#cancel = this.#begin(this)
    }
    return this.#untilNext
  })

  readonly #untilNext = Effect.callback<void>((resume) => {
    this.#waiting = () => resume(Effect.void)
    return Effect.sync(() => {
      this.#waiting = undefined
    })
  }).pipe(Effect.andThen(Effect.suspend(() => this.pull)))

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }
}
