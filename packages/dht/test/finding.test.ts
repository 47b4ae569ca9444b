import { createSocket, type Socket } from "node:dgram"
import { assert, describe, it } from "@effect/vitest"
import { Crypto, type SigningKey } from "@topic-tracker/crypto"
import { Effect, Stream } from "effect"
import { signable } from "../src/bep44/item.ts"
import { encode } from "../src/krpc/bencode.ts"
import { parse } from "../src/krpc/message.ts"
import { ascii, client, newUnsaltedKey, text, values } from "./clients.ts"

/** A node that answers each query with these fields, after `after` ms. */
const answering = (n: number, fields: Record<string, Uint8Array | bigint>, after: number) =>
  Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const socket = createSocket("udp4", (datagram, { address, port }) => {
        const message = parse(datagram)
        if (message?.y !== "q") return
        const r = { id: new Uint8Array(20).fill(n), ...fields }
        setTimeout(() => socket.send(encode({ r, t: message.t, y: "r" }), port, address), after)
      })
      socket.bind(0, "127.0.0.1", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.close()),
  ).pipe(Effect.map((socket) => ({ id: new Uint8Array(20).fill(n), host: "127.0.0.1", port: socket.address().port })))

const itemOf = Effect.fnUntraced(function* (key: SigningKey, v: Uint8Array) {
  const sig = (yield* Crypto).sign(key, signable(undefined, 1n, encode(v)))
  return { v, seq: 1n, k: key.publicKey, sig }
})

describe("the items that a lookup finds", () => {
  it.live("are at most as long as BEP 44 allows, whatever is signed", () =>
    Effect.gen(function* () {
      const { key, at } = yield* newUnsaltedKey
      const [longest, longer] = [yield* itemOf(key, new Uint8Array(995)), yield* itemOf(key, new Uint8Array(996))]
      const knownNodes = [yield* answering(1, longest, 0), yield* answering(2, longer, 0)]
      const dht = yield* client({ bootstrap: [], host: "127.0.0.1", knownNodes })
      const items = [...(yield* Stream.runCollect(dht.get(at)))]
      assert.deepStrictEqual(
        items.map(({ value }) => value.length),
        [995],
      )
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("are given to a get that joins late, also if the lookup ends at once", () =>
    Effect.gen(function* () {
      const { key, at } = yield* newUnsaltedKey
      const [one, two] = [yield* itemOf(key, ascii("one")), yield* itemOf(key, ascii("two"))]
      const knownNodes = [yield* answering(1, one, 0), yield* answering(2, two, 100)]
      const dht = yield* client({ bootstrap: [], host: "127.0.0.1", knownNodes })
      const joined: Array<ReadonlyArray<string>> = []
      yield* Stream.runForEach(dht.get(at), ({ value }) =>
        text(value) === "one" ? Effect.void : Effect.map(values(dht.get(at)), (all) => void joined.push(all)),
      )
      assert.deepStrictEqual(joined, [["one", "two"]])
      assert.strictEqual((yield* dht.stats).lookups, 1)
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
