/** An engine on a transport that does only what the test does, for tests of the engine's parts. */
import { Timers } from "@topic-tracker/common"
import { EndpointId } from "@topic-tracker/crypto"
import { Effect, Schema, Stream } from "effect"
import type { EngineOptions } from "../../src/engine/context.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { type Connection, type GossipTransport, Protocol, type SendStream, type StreamLimits } from "../../src/index.ts"
import { noTransportStats } from "../../src/transport/TransportStats.ts"

export const idOf = (byte: string) => Schema.decodeSync(EndpointId.EndpointId)(byte.repeat(32))
const [me, peer] = [idOf("01"), idOf("03")]

/** A connection on which nothing arrives, and where opening and writing succeed or fail when the test decides. */
export const makeConnection = (remoteId: EndpointId.EndpointId = peer) => {
  const opening: Array<(stream: SendStream | undefined) => void> = []
  const writing: Array<(isAlive: boolean) => void> = []
  const limited: Array<StreamLimits> = []
  let closed: (reason: string) => void = () => {}
  const connection: Connection = {
    remoteId,
    openStream: (done) => void opening.push(done),
    acceptStream: () => {},
    alpn: "test",
    openBi: () => {},
    acceptBi: () => {},
    limitStreams: (limits) => void limited.push(limits),
    onClosed: (listener) => {
      closed = listener
    },
    close: () => {},
  }
  const stream: SendStream = {
    write: (_bytes, done) => void writing.push(done),
    finish: () => {},
    reset: () => {},
    onStopped: () => {},
  }
  return { connection, stream, limited, opening, writing, end: () => closed("gone") }
}

export const makeEngine = Effect.fnUntraced(function* (
  transport: Partial<GossipTransport["Service"]> = {},
  options: Partial<EngineOptions> = {},
) {
  const timers = yield* Timers.make
  return new Engine(
    {
      endpointId: me,
      timers,
      defer: (flush) => flush(),
      ready: Effect.void,
      listen: () => Effect.void,
      dial: () => {},
      learnAddress: () => {},
      address: Effect.succeed({ relayUrl: undefined, direct: [] }),
      addressChanges: Stream.empty,
      networkChanges: Stream.empty,
      stats: () => noTransportStats,
      ...transport,
    },
    {
      protocol: Protocol.defaultConfig,
      rng: new Protocol.Xoshiro128(1),
      sendQueueBytes: 100_000,
      stallTimeoutMs: 30_000,
      lingerMs: 1_000,
      onDefect: (defect) => {
        throw defect
      },
      ...options,
    },
  )
})
