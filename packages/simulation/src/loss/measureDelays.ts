/**
 * Measures a transport under loss: pairs of endpoints dial each other, and both sides write messages to a stream at a steady rate, as gossip does.
 * It knows the transport by its contract alone, so the same code measures the network in memory and iroh's binding.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { Connection, GossipTransport, ReceiveStream, SendStream } from "@topic-tracker/gossip"
import { Effect, type Scope } from "effect"

type Transport = GossipTransport["Service"]

export interface DelayOptions {
  /** The size of a message. */
  readonly bytes: number
  readonly everyMs: number
  readonly durationMs: number
  /** The time after the last message in which late ones still arrive. */
  readonly graceMs: number
}

/** Times in ms. */
export interface MeasuredDelays {
  /** From the first dial to the connection, for each pair; a dial that fails is repeated. */
  readonly dials: ReadonlyArray<number>
  readonly failedDials: number
  /** From a message's sending to its arrival. */
  readonly delays: ReadonlyArray<number>
  /** Messages that did not arrive. */
  readonly lost: number
  /** Connections that closed before the end. */
  readonly closed: number
}

/** One direction of a pair. Bytes arrive in order, so their number says which message they belong to. */
class Direction {
  readonly delays: Array<number> = []
  readonly #bytes: number
  readonly #now: () => number
  readonly #sentAt: Array<number> = []
  #arrivedBytes = 0
  #waiting = 0
  #stream: SendStream | undefined
  #isWriting = false

  constructor(bytes: number, now: () => number) {
    this.#bytes = bytes
    this.#now = now
  }

  get lost(): number {
    return this.#sentAt.length - this.delays.length
  }

  writeTo(stream: SendStream): void {
    this.#stream = stream
  }

  say(): void {
    if (this.#stream === undefined) return
    this.#sentAt.push(this.#now())
    this.#waiting++
    this.#write()
  }

  readFrom(stream: ReceiveStream, soon: (run: () => void) => void): void {
    stream.read((bytes) => {
      if (bytes === undefined) return
      this.#arrivedBytes += bytes.length
      while ((this.delays.length + 1) * this.#bytes <= this.#arrivedBytes) {
        this.delays.push(this.#now() - this.#sentAt[this.delays.length]!)
      }
      soon(() => this.readFrom(stream, soon))
    })
  }

  #write(): void {
    if (this.#isWriting || this.#waiting === 0) return
    this.#isWriting = true
    const bytes = new Uint8Array(this.#waiting * this.#bytes)
    this.#waiting = 0
    this.#stream?.write(bytes, () => {
      this.#isWriting = false
      this.#write()
    })
  }
}

/** Measures pairs of transports: the first of each pair dials the second. */
export const measureDelays = Effect.fnUntraced(function* (
  pairs: ReadonlyArray<readonly [Transport, Transport]>,
  options: DelayOptions,
): Effect.fn.Return<MeasuredDelays, never, Scope.Scope> {
  const all = yield* Effect.forEach(pairs, ([from, to]) => measurePair(from, to, options), {
    concurrency: "unbounded",
  })
  return {
    dials: all.map(({ dialMs }) => dialMs),
    failedDials: sum(all.map(({ failedDials }) => failedDials)),
    delays: all.flatMap(({ directions }) => directions.flatMap(({ delays }) => delays)),
    lost: sum(all.flatMap(({ directions }) => directions.map(({ lost }) => lost))),
    closed: all.filter(({ isClosed }) => isClosed).length,
  }
})

const measurePair = Effect.fnUntraced(function* (from: Transport, to: Transport, options: DelayOptions) {
  const now = () => from.timers.now()
  const [forth, back] = [new Direction(options.bytes, now), new Direction(options.bytes, now)]
  let failedDials = 0
  let isClosed = false
  let connected: () => void = () => {}
  const use = (ours: Transport, connection: Connection, send: Direction, receive: Direction): void => {
    connection.onClosed(() => {
      isClosed = true
    })
    connection.openStream((stream) => stream && send.writeTo(stream))
    connection.acceptStream((stream) => stream && receive.readFrom(stream, (run) => ours.timers.runSoon(run)))
  }
  yield* to.listen({ connected: (connection) => use(to, connection, back, forth), dialFailed: () => {} })
  yield* from.listen({
    connected: (connection) => {
      use(from, connection, forth, back)
      connected()
    },
    dialFailed: (peer: EndpointId.EndpointId) => {
      failedDials++
      from.timers.schedule(1, () => from.dial(peer))
    },
  })
  const startedAt = now()
  yield* Effect.callback<void>((resume) => {
    connected = () => resume(Effect.void)
    from.dial(to.endpointId)
  })
  const dialMs = now() - startedAt
  for (let left = options.durationMs; left > 0; left -= options.everyMs) {
    forth.say()
    yield* Effect.sleep(options.everyMs / 2)
    back.say()
    yield* Effect.sleep(options.everyMs / 2)
  }
  yield* Effect.sleep(options.graceMs)
  return { dialMs, failedDials, isClosed, directions: [forth, back] }
})

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)
