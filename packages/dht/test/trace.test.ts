import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect, Option, Stream, Tracer } from "effect"
import { targetOf } from "../src/bep44/item.ts"
import { ascii, client, newKey, values } from "./clients.ts"

/** A tracing backend that keeps the ended spans. */
const recorder = () => {
  const ended: Array<Tracer.NativeSpan> = []
  class Recorded extends Tracer.NativeSpan {
    override end(...args: Parameters<Tracer.NativeSpan["end"]>): void {
      super.end(...args)
      ended.push(this)
    }
  }
  return { ended, tracer: Tracer.make({ span: (options) => new Recorded(options) }) }
}

const parentOf = ({ parent }: Tracer.NativeSpan) =>
  Option.isSome(parent) && parent.value._tag === "Span" ? parent.value.name : undefined

describe("the spans of a client", () => {
  it.live("name each put, get and lookup, with bounded attributes besides the target", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 5 })
      const { key, salt, at } = yield* newKey
      const dht = yield* client({ bootstrap: net.addresses })
      const { ended, tracer } = recorder()
      yield* Effect.gen(function* () {
        yield* dht.put({ key, salt, seq: 2n, value: ascii("x") })
        // Two gets at the same time share one lookup.
        yield* Effect.all([values(dht.get(at)), values(dht.get(at))], { concurrency: 2 })
        yield* Effect.flip(dht.put({ key, salt, seq: 1n, value: ascii("y") }))
      }).pipe(Effect.withTracer(tracer))
      const target = Bytes.toHex(targetOf(at.publicKey, salt))
      const spans = ended.map((span) => ({
        name: span.name,
        parent: parentOf(span),
        method: span.attributes.get("rpc.method"),
        error: span.attributes.get("error.type"),
      }))
      const lookup = (parent: string) => ({ name: "Dht.lookup", parent, method: "get", error: undefined })
      const call = (name: string, method: string, error?: string) => ({ name, parent: undefined, method, error })
      assert.deepStrictEqual(spans, [
        lookup("Dht.put"),
        call("Dht.put", "put"),
        lookup("Dht.get"),
        call("Dht.get", "get"),
        call("Dht.get", "get"),
        call("Dht.put", "put", "Rejected"),
      ])
      for (const { attributes, kind } of ended) {
        assert.strictEqual(kind, "client")
        assert.strictEqual(attributes.get("rpc.system.name"), "krpc")
        assert.strictEqual(attributes.get("topic_tracker.dht.target"), target)
      }
      const found = ended[2]!.attributes
      assert.strictEqual(found.get("topic_tracker.dht.nodes_answered"), 5)
      assert.strictEqual(found.get("topic_tracker.dht.items"), 1)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("are not made with tracing turned off", () =>
    Effect.gen(function* () {
      const net = yield* DhtTestnet.make({ nodes: 2 })
      const { at } = yield* newKey
      const dht = yield* client({ bootstrap: net.addresses })
      const { ended, tracer } = recorder()
      yield* Stream.runDrain(dht.get(at)).pipe(Effect.withTracerEnabled(false), Effect.withTracer(tracer))
      assert.deepStrictEqual(ended, [])
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
