/**
 * The messages that this node publishes in one channel. One that comes alone goes out at once; those that come while it is on its way gather,
 * and go out together under one signature. A message in parts leaves room in the queues for messages of other channels.
 */
import type { Timers } from "@topic-tracker/common"
import { Effect } from "effect"
import { type BroadcastScope, GossipError, type GossipTopic } from "../model.ts"
import type { ChannelWriter } from "./ChannelWriter.ts"
import type { PartPace } from "./PartPace.ts"

/** The next part waits while a neighbour has so much in its queue. */
const PARTS_IN_QUEUE_BYTES = 32 * 1024
/** The longest wait for one neighbour. After it the queue fills up, and gossip goes on without a neighbour that is slow. */
const PART_WAIT_MS = 250
/** The longest time for which messages gather. */
const GATHER_MS = 5
/** Messages that are sealed in one turn. */
const MAX_GATHERED = 256

/** Options of {@link ChannelPublisher}. */
export interface ChannelPublisherOptions {
  readonly writer: ChannelWriter
  readonly gossip: Pick<GossipTopic, "broadcast" | "awaitRoom" | "neighbors">
  readonly scope: BroadcastScope
  readonly timers: Timers
  /** That of the topic: several channels share it. */
  readonly pace: PartPace
  /** Runs for each envelope before it goes to gossip. */
  readonly published: (envelope: Uint8Array) => void
  readonly fork: (effect: Effect.Effect<void>) => void
}

/** A message that waits. */
interface Waiting extends PublishParts {
  readonly message: Uint8Array
  readonly done: (result: Effect.Effect<number, GossipError>) => void
}

/** Options of one publish. With one of them there must be one message. */
export interface PublishParts {
  /** Goes before the message. */
  readonly extension?: Uint8Array
  /** Asks for acknowledgements. Runs with the seq before the message goes out. */
  readonly sealed?: (seq: number) => void
}

const isAlone = ({ extension, sealed }: PublishParts): boolean => extension !== undefined || sealed !== undefined

/**
 * The publisher of a channel.
 *
 * @since 0.1.0
 */
export class ChannelPublisher {
  readonly #options: ChannelPublisherOptions
  /** In the order of the calls. A Set, because each of thousands may be interrupted. */
  readonly #waiting = new Set<Waiting>()
  /** A message is on its way, or the gathered ones are. */
  #isBusy = false
  /** The last messages came together: then the next ones probably do, and the first of them waits for the end of the turn, too. */
  #areMany = false
  #isEnded = false

  constructor(options: ChannelPublisherOptions) {
    this.#options = options
  }

  /** Sends the messages, one after the other, and gives the seq of the first one when gossip has all of them. */
  publish(messages: ReadonlyArray<Uint8Array>, parts: PublishParts = {}): Effect.Effect<number, GossipError> {
    return Effect.suspend(() => {
      if (this.#isEnded) return Effect.fail(closed())
      if (messages.length === 0) return Effect.succeed(this.#options.writer.nextSeq)
      if (!this.#isBusy && !this.#areMany && !isAlone(parts) && messages.every(({ length }) => length <= this.room)) {
        return this.#publishNow(messages)
      }
      return Effect.callback<number, GossipError>((resume) => {
        let first: Effect.Effect<number, GossipError> | undefined
        const added = messages.map((message, index): Waiting => {
          const done: Waiting["done"] = (result) => {
            first ??= result
            // The seq of the first one, once the last one is sent.
            if (index === messages.length - 1) resume(Effect.andThen(result, first))
          }
          return { ...parts, message, done }
        })
        for (const each of added) this.#waiting.add(each)
        if (!this.#isBusy) {
          this.#isBusy = true
          this.#options.timers.runSoon(() => this.#options.fork(this.#drain))
        }
        // A message that is not sealed yet is not sent any more.
        return Effect.sync(() => {
          for (const each of added) this.#waiting.delete(each)
        })
      })
    })
  }

  /** Sends the last envelope of the session, if there was a message. Nothing can be published after it. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    const { gossip, published, scope, writer } = this.#options
    this.close()
    const envelope = writer.end()
    if (envelope === undefined || scope === "neighbors") return Effect.void
    published(envelope)
    return Effect.ignore(gossip.broadcast(envelope, scope))
  })

  /** The largest message that needs no parts. */
  get room(): number {
    return this.#options.writer.room
  }

  /** Fails what waits, and whatever is published later. */
  close(): void {
    this.#isEnded = true
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const { done } of waiting) done(Effect.fail(closed()))
  }

  #publishNow(messages: ReadonlyArray<Uint8Array>): Effect.Effect<number, GossipError> {
    const { timers, writer } = this.#options
    this.#isBusy = true
    // Until the turn is over and gossip has taken it.
    let left = 2
    const over = () => {
      if (--left > 0) return
      if (this.#waiting.size === 0) this.#isBusy = false
      else this.#options.fork(Effect.andThen(this.#gather, this.#drain))
    }
    timers.runSoon(over)
    const { envelopes, firstSeq } = writer.write(messages)
    return this.#send(envelopes).pipe(
      Effect.onExit(() => Effect.sync(over)),
      Effect.as(firstSeq),
    )
  }

  /** Sends until nothing waits. */
  readonly #drain: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    while (this.#waiting.size > 0) {
      const batch = this.#takeBatch()
      this.#areMany = batch.length > 1
      const first = batch[0]!
      const { envelopes, firstSeq } = this.#options.writer.write(
        batch.map(({ message }) => message),
        first.sealed !== undefined,
        first.extension,
      )
      first.sealed?.(firstSeq)
      const isParts = batch.length === 1 && envelopes.length > 1
      const result = yield* Effect.exit(isParts ? this.#sendParts(envelopes) : this.#send(envelopes))
      for (const [index, { done }] of batch.entries()) done(Effect.as(result, firstSeq + index))
      // Callers that waited for this batch may publish the next one.
      yield* this.#gather
    }
    this.#isBusy = false
  })

  /** While neighbours take the last envelope, more messages come: the slower they are, the more go together. */
  get #gather(): Effect.Effect<boolean> {
    return this.#options.gossip.awaitRoom(1, GATHER_MS)
  }

  #send(envelopes: ReadonlyArray<Uint8Array>): Effect.Effect<void, GossipError> {
    const { gossip, published, scope } = this.#options
    for (const envelope of envelopes) published(envelope)
    if (envelopes.length === 1) return gossip.broadcast(envelopes[0]!, scope)
    return Effect.forEach(envelopes, (envelope) => gossip.broadcast(envelope, scope), { discard: true })
  }

  #sendParts(envelopes: ReadonlyArray<Uint8Array>): Effect.Effect<void, GossipError> {
    const { gossip, pace, published, scope, timers } = this.#options
    return Effect.gen(function* () {
      let isPaced = true
      for (const envelope of envelopes) {
        if (isPaced) {
          isPaced = yield* gossip.awaitRoom(PARTS_IN_QUEUE_BYTES, PART_WAIT_MS)
        }
        const wait = pace.waitMs(timers.now())
        const due = timers.now() + wait
        // Others get a turn, too.
        yield* wait > 0 ? Effect.sleep(wait) : Effect.yieldNow
        pace.noteLate(timers.now() - due)
        const { size } = yield* gossip.neighbors
        pace.sent(envelope.length, size, timers.now())
        published(envelope)
        yield* gossip.broadcast(envelope, scope)
      }
    })
  }

  /** One message in parts, one that is to be acknowledged, or all whole ones up to there. */
  #takeBatch(): ReadonlyArray<Waiting> {
    const batch: Array<Waiting> = []
    for (const waiting of this.#waiting) {
      const isWhole = !isAlone(waiting) && waiting.message.length <= this.room
      if (!isWhole && batch.length > 0) break
      this.#waiting.delete(waiting)
      batch.push(waiting)
      if (!isWhole || batch.length === MAX_GATHERED) break
    }
    return batch
  }
}

const closed = () => new GossipError({ reason: "Closed", message: "the topic has been closed" })
