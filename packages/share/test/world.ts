/** Nodes that share, over the worlds of the tests of peers: in memory under TestClock, and over iroh endpoints on loopback. */
import * as Bytes from "@topic-tracker/common/Bytes"
import type { EndpointId } from "@topic-tracker/crypto"
import { blake3Parent } from "@topic-tracker/crypto/blake3"
import { Peers } from "@topic-tracker/peers"
import { Effect, Exit, Fiber, type Layer, Scope, Stream } from "effect"
import type { TestPeers, World } from "../../peers/test/world.ts"
import type { ContentHash, ShareError, ShareOptions } from "../src/index.ts"
import { type FetchEvent, type FetchOptions, Share, type ShareService, ShareStorage } from "../src/index.ts"
import { pullMessages } from "../src/session/runSession.ts"
import { PieceMap } from "../src/swarm/PieceMap.ts"
import { PieceMaker } from "../src/tree/PieceRow.ts"
import { PIECE_BYTES, pieceCount } from "../src/tree/pieces.ts"
import { FrameReader } from "../src/wire/FrameReader.ts"
import { encode, type Message, SHARE_PROTOCOL } from "../src/wire/messages.ts"

export { admitAll, inTime, makeIrohWorld, makeMemoryWorld, until, type World } from "../../peers/test/world.ts"

/** Bytes that look random and are the same each time. */
export const contentOf = (size: number, seed = 1): Uint8Array => {
  const bytes = new Uint8Array(size)
  let state = Math.imul(seed, 0x9e37_79b9) | 1
  for (let i = 0; i < size; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
  return bytes
}

export interface TestShare extends ShareService {
  readonly id: EndpointId.EndpointId
  readonly peers: TestPeers
  /** Ends the node at once, as a crash does: its files stay. */
  readonly kill: Effect.Effect<void>
}

export interface ShareNodeOptions extends ShareOptions {
  readonly storage?: Layer.Layer<ShareStorage>
  /** The peers that it asks. */
  readonly knows?: Iterable<EndpointId.EndpointId>
  readonly allow?: (peer: EndpointId.EndpointId) => Effect.Effect<boolean>
}

/** A member with Share. */
export const shareNode = Effect.fnUntraced(function* (
  world: World,
  { allow, knows = [], storage = ShareStorage.layerMemory(), ...options }: ShareNodeOptions = {},
) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const peers = yield* world.node({ secret: "s", ...(allow && { allow }) }).pipe(Scope.provide(scope))
  const share = yield* Share.make({ neighbors: Effect.sync(() => knows) }, options).pipe(
    Effect.provideService(Peers, peers),
    Effect.provide(storage),
    Scope.provide(scope),
  )
  const node: TestShare = {
    ...share,
    id: peers.endpointId,
    peers,
    kill: Effect.andThen(peers.close, Scope.close(scope, Exit.void)),
  }
  return node
})

/** Fetches, and lets time pass until it is over. `at` runs at each event. */
export const fetchIn = (
  world: World,
  node: ShareService,
  hash: ContentHash,
  options: FetchOptions = {},
  at: (event: FetchEvent) => void = () => {},
): Effect.Effect<Array<FetchEvent>, ShareError> =>
  Effect.gen(function* () {
    const events: Array<FetchEvent> = []
    const fiber = yield* Effect.forkChild(
      Stream.runForEach(node.fetch(hash, options), (event) =>
        Effect.sync(() => {
          events.push(event)
          at(event)
        }),
      ),
    )
    for (let i = 0; i < 20_000 && fiber.pollUnsafe() === undefined; i++) yield* world.pass
    yield* Fiber.join(fiber)
    return events
  })

export const bytesOf = (node: ShareService, hash: ContentHash): Effect.Effect<Uint8Array, ShareError> =>
  Effect.map(Stream.runCollect(node.read(hash)), (pieces) => new Uint8Array(Buffer.concat([...pieces])))

/** What a liar changes. */
export interface Lies {
  readonly values?: (values: Uint8Array) => Uint8Array
  readonly size?: (size: number) => number
  /** It does not say what the content is. */
  readonly isMute?: boolean
}

/** A member that speaks the protocol and lies: `piece` is what it sends for a piece, if anything. */
export const liarOf = Effect.fnUntraced(function* (
  world: World,
  bytes: Uint8Array,
  piece: (index: number, right: Uint8Array) => Uint8Array | undefined,
  lies: Lies = {},
) {
  const peers = yield* world.node({ secret: "s" })
  const maker = new PieceMaker()
  maker.push(bytes)
  const { row } = maker.end()
  const size = lies.size?.(row.size) ?? row.size
  const count = pieceCount(size)
  const values = lies.values?.(row.values) ?? row.values
  // For two pieces: the two children of the root.
  const half = (at: number) => blake3Parent(values.subarray(at, at + 32), values.subarray(at + 32, at + 64), false)
  const shown = count === row.count ? values : Bytes.concat(half(0), half(64))
  yield* peers.serve({ protocol: SHARE_PROTOCOL }, ({ socket }) =>
    Effect.gen(function* () {
      const { write } = yield* socket.writer
      const { pull } = yield* socket.reader
      const line = { pull, writer: yield* socket.writer, frames: new FrameReader(1_000) }
      const send = (message: Message) => write(encode(message))
      for (;;) {
        for (const message of (yield* pullMessages(line)) ?? []) {
          if (message._tag === "Open") {
            yield* send({ _tag: "Here", size, name: "" })
            yield* send({ _tag: "Map", bits: PieceMap.full(count).bytes })
          } else if (message._tag === "AskValues" && lies.isMute !== true) {
            yield* send({ _tag: "Proof", proof: row.proof })
            yield* send({ _tag: "Values", first: 0, values: shown })
          } else if (message._tag === "Want") {
            const right = bytes.slice(message.piece * PIECE_BYTES, (message.piece + 1) * PIECE_BYTES)
            const sent = piece(message.piece, right)
            if (sent !== undefined) yield* send({ _tag: "Piece", piece: message.piece, bytes: sent })
          }
        }
      }
    }).pipe(Effect.scoped),
  )
  return peers.endpointId
})
