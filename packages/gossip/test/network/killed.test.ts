/** A killed process sends nothing. With real endpoints, because this depends on what they send each other while idle. */
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Crypto, Identity, TopicId } from "@topic-tracker/crypto"
import { Context, Effect, Layer } from "effect"
import { AddressLookup, Gossip } from "../../src/index.ts"

const lonePeer = (...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const file = fileURLToPath(new URL("./lonePeer.ts", import.meta.url))
      return spawn(process.execPath, ["--conditions=@topic-tracker/source", file, ...args], { stdio: "inherit" })
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL")),
  )

describe("a peer that is killed", () => {
  it.live(
    "is reported as lost soon after the silence timeout, and not before, because its heartbeats arrive",
    () =>
      Effect.gen(function* () {
        const services = yield* Layer.build(
          Gossip.layerIroh({ bind: "127.0.0.1:0", silenceTimeout: "6 seconds" }).pipe(
            Layer.provide([AddressLookup.layerNone(), Identity.layerRandom().pipe(Layer.provide(Crypto.layer()))]),
          ),
        )
        const gossip = Context.get(services, Gossip)
        const topic = yield* gossip.open(TopicId.fromName("killed"))
        const [address = ""] = (yield* gossip.address).direct
        const peer = yield* lonePeer("killed", gossip.endpointId, address)
        const hasPeer = Effect.map(topic.neighbors, ({ size }) => size === 1)
        while (!(yield* hasPeer)) yield* Effect.sleep(20)
        // Longer than the silence timeout, and longer than iroh's heartbeat of 5 s.
        yield* Effect.sleep("8 seconds")
        assert.isTrue(yield* hasPeer)
        peer.kill("SIGKILL")
        const killedAt = performance.now()
        while (yield* hasPeer) yield* Effect.sleep(20)
        const missedAfter = performance.now() - killedAt
        // Its last heartbeat may be 5 s old; QUIC alone would take 30 s.
        assert.isAbove(missedAfter, 500)
        assert.isBelow(missedAfter, 10_000)
      }),
    { timeout: 45_000 },
  )
})
