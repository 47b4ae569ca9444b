/**
 * A transfer of some MB on one stream, on a peer stream and with iroh's binding alone. The far end reads, and says with one byte that it has read
 * {@link TRANSFER_BYTES}: both ways carry the same bytes from the first write to the last read.
 */
import type * as Iroh from "@number0/iroh"
import type { EndpointId } from "@topic-tracker/crypto"
import type { PeersService } from "@topic-tracker/peers"
import { Effect } from "effect"
import { connectHere, READ_BYTES } from "../gossip/bareIroh.ts"

const CHUNK_BYTES = 64_000
const CHUNKS = 50
const TRANSFER_BYTES = CHUNKS * CHUNK_BYTES

/**
 * Bytes of an acknowledgement. Peer streams treat a short write as a message that bulk gives way to, and this one comes when nothing is under way.
 */
const ACK_BYTES = 2_000

/** Carries {@link TRANSFER_BYTES}. Returns the rate in MB/s. */
type Transfer = () => Promise<number>

/** The ways whose rates are compared. */
interface Ways {
  readonly bare: Transfer
  readonly ours: Transfer
}

/** The rates of one transfer on each way, one after the other: other work of the machine affects both. `number` decides which one is first. */
export const pairOfRates = async ({ bare, ours }: Ways, number: number) => {
  if (number % 2 === 0) return { bare: await bare(), ours: await ours() }
  const first = await ours()
  return { bare: await bare(), ours: first }
}

/** Tells how many acknowledgements are due for these bytes more. */
const acknowledging = () => {
  let read = 0
  return (bytes: number): number => {
    const before = Math.floor(read / TRANSFER_BYTES)
    read += bytes
    return Math.floor(read / TRANSFER_BYTES) - before
  }
}

/** The far end of transfers on peer streams. */
export const serveBulk = (peers: PeersService) =>
  peers.serve({ protocol: "bulk" }, ({ socket }) =>
    Effect.gen(function* () {
      const due = acknowledging()
      const writer = yield* socket.writer
      const { pull } = yield* socket.reader
      for (;;) {
        for (const chunk of yield* pull) {
          const count = due(chunk.length)
          if (count > 0) yield* writer.write(new Uint8Array(count * ACK_BYTES))
        }
      }
    }).pipe(Effect.scoped),
  )

/** A stream to a peer that runs {@link serveBulk}. */
export const openBulk = Effect.fnUntraced(function* (peers: PeersService, far: EndpointId.EndpointId) {
  const socket = yield* peers.connect(far, { protocol: "bulk" })
  const writer = yield* socket.writer
  const { pull } = yield* socket.reader
  const chunk = new Uint8Array(CHUNK_BYTES).map((_, i) => i)
  let bytes = 0
  const send = async (): Promise<void> => {
    await Effect.runPromise(writer.write(chunk))
    bytes += CHUNK_BYTES
  }
  const acknowledged = async (): Promise<void> => {
    for (let left = ACK_BYTES; left > 0; ) for (const chunk of await Effect.runPromise(pull)) left -= chunk.length
  }
  const transfer: Transfer = () => timed(send, acknowledged)
  /** Reads the acknowledgements of a stream that only {@link send}s: the far end stops when too many wait. */
  const drain = Effect.forkScoped(Effect.ignore(Effect.forever(pull)))
  return { send, sent: () => bytes, transfer, drain }
})

/** The far end of transfers on streams of the binding. */
export const bareSink = async ({ recv, send }: Pick<Iroh.BiStream, "recv" | "send">): Promise<void> => {
  const due = acknowledging()
  for (;;) {
    const { length } = await recv.read(READ_BYTES)
    if (length === 0) return
    const count = due(length)
    if (count > 0) await send.writeAll(new Array<number>(count * ACK_BYTES).fill(0))
  }
}

/** A stream of the binding whose far end runs {@link bareSink}. */
export const openBareBulk = async (connection: Iroh.Connection): Promise<Transfer> => {
  const { recv, send } = await connection.openBi()
  const chunk = Array.from({ length: CHUNK_BYTES }, (_, i) => i & 255)
  return () =>
    timed(
      () => send.writeAll(chunk),
      () => recv.readExact(ACK_BYTES),
    )
}

/** A way of the binding whose two ends are in this process. */
export const makeBareBulk = async () => {
  const { close, far, near } = await connectHere()
  far.setMaxConcurrentBiStreams(1n)
  far
    .acceptBi()
    .then(bareSink)
    .catch(() => {})
  return { transfer: await openBareBulk(near), close }
}

const timed = async (send: () => Promise<void>, acknowledged: () => Promise<unknown>): Promise<number> => {
  const start = performance.now()
  for (let i = 0; i < CHUNKS; i++) await send()
  await acknowledged()
  return TRANSFER_BYTES / (performance.now() - start) / 1e3
}
