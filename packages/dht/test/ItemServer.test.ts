import { assert, layer } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Redacted } from "effect"
import { immutableTarget, signable, targetOf } from "../src/bep44/item.ts"
import { type Bencode, encode } from "../src/krpc/bencode.ts"
import type { PutMutable } from "../src/krpc/message.ts"
import { compareDistance } from "../src/krpc/nodeId.ts"
import type { DhtNode } from "../src/model.ts"
import type { Answer } from "../src/serve/Answer.ts"
import { ItemServer, type ItemServerOptions } from "../src/serve/ItemServer.ts"
import { Tokens } from "../src/serve/Tokens.ts"

const id = new Uint8Array(20).fill(9)
const from = { host: "203.0.113.7", port: 4000 }
const minute = 60_000
const ascii = (text: string) => new TextEncoder().encode(text)
const nodes: ReadonlyArray<DhtNode> = Array.from({ length: 30 }, (_, i) => ({
  id: new Uint8Array(20).fill(i),
  host: `203.0.113.${i + 1}`,
  port: 6881,
}))

const make = Effect.fnUntraced(function* (options: Partial<ItemServerOptions> = {}) {
  const crypto = yield* Crypto
  const server = new ItemServer({
    id: () => id,
    crypto,
    equalSeq: "overwrite",
    tokens: new Tokens(new Uint8Array(32)),
    maxItems: 3,
    ttl: 120 * minute,
    closest: (_, count) => nodes.slice(0, count),
    ...options,
  })
  const key = crypto.signingKey(Redacted.make(new Uint8Array(32).fill(3)))
  const target = targetOf(key.publicKey)
  const get = (now: number, at: Uint8Array = target, seq?: bigint) => {
    const answer = server.get({ id, target: at, ...(seq === undefined ? {} : { seq }) }, from, now)
    assert(answer._tag === "reply")
    return answer.r
  }
  const signed = (seq: bigint, v: Bencode, salt?: Uint8Array): PutMutable => ({
    id,
    token: server.get({ id, target }, from, 0)._tag === "reply" ? (get(0).token as Uint8Array) : new Uint8Array(0),
    v,
    k: key.publicKey,
    sig: crypto.sign(key, signable(salt, seq, encode(v))),
    seq,
    ...(salt === undefined ? {} : { salt }),
  })
  return { server, target, get, signed, key }
})

const code = (answer: Answer): number | "stored" => (answer._tag === "error" ? answer.code : "stored")

layer(Crypto.layer())("ItemServer", (it) => {
  it.effect("returns the stored item, with its exact seq", () =>
    Effect.gen(function* () {
      const { server, get, signed } = yield* make()
      const put = signed(2n ** 63n - 1n, ascii("hello"))
      assert.strictEqual(code(server.put(put, from, 0)), "stored")
      const { v, k, sig, seq } = get(0)
      assert.deepStrictEqual({ v, k, sig, seq }, { v: put.v, k: put.k, sig: put.sig, seq: 2n ** 63n - 1n })
    }),
  )

  it.effect("stores values of every kind unchanged", () =>
    Effect.gen(function* () {
      const { server, get, signed } = yield* make()
      const v: Bencode = { a: [1n, ascii("x")], b: {} }
      assert.strictEqual(code(server.put(signed(1n, v), from, 0)), "stored")
      assert.strictEqual(String(encode(get(0).v!)), String(encode(v)))
    }),
  )

  it.effect("does not send the item to a node that has the seq already", () =>
    Effect.gen(function* () {
      const { server, get, signed, target } = yield* make()
      server.put(signed(5n, ascii("x")), from, 0)
      assert.isUndefined(get(0, target, 5n).v)
      assert.strictEqual(get(0, target, 5n).seq, 5n)
      assert.isDefined(get(0, target, 4n).v)
    }),
  )

  it.effect("accepts a token only from its host, in its period and the next", () =>
    Effect.gen(function* () {
      const { server, signed } = yield* make()
      const put = signed(1n, ascii("x"))
      assert.strictEqual(code(server.put(put, { ...from, host: "203.0.113.8" }, 0)), 203)
      assert.strictEqual(code(server.put({ ...put, token: new Uint8Array(8) }, from, 0)), 203)
      assert.strictEqual(code(server.put({ ...put, token: new Uint8Array(0) }, from, 0)), 203)
      assert.strictEqual(code(server.put(put, { ...from, port: 1 }, 9 * minute)), "stored")
      assert.strictEqual(code(server.put(put, from, 10 * minute)), 203)
    }),
  )

  it.effect("refuses puts with the codes of BEP 44", () =>
    Effect.gen(function* () {
      const { server, signed } = yield* make()
      assert.strictEqual(code(server.put(signed(1n, new Uint8Array(995)), from, 0)), "stored")
      assert.strictEqual(code(server.put(signed(2n, new Uint8Array(996)), from, 0)), 205)
      assert.strictEqual(code(server.put(signed(2n, ascii("x"), new Uint8Array(65)), from, 0)), 207)
      assert.strictEqual(code(server.put(signed(2n, ascii("x"), new Uint8Array(64)), from, 0)), "stored")
      assert.strictEqual(code(server.put({ ...signed(2n, ascii("x")), seq: 3n }, from, 0)), 206)
      assert.strictEqual(code(server.put({ ...signed(2n, ascii("x")), cas: 7n }, from, 0)), 301)
      assert.strictEqual(code(server.put({ ...signed(2n, ascii("x")), cas: 1n }, from, 0)), "stored")
      assert.strictEqual(code(server.put(signed(1n, ascii("x")), from, 0)), 302)
    }),
  )

  it.effect("overwrites or keeps the first value of one seq, as configured", () =>
    Effect.gen(function* () {
      for (const equalSeq of ["overwrite", "keep-first"] as const) {
        const { server, get, signed } = yield* make({ equalSeq })
        server.put(signed(7n, ascii("first")), from, 0)
        const second = code(server.put({ ...signed(7n, ascii("second")), cas: 7n }, from, 0))
        assert.strictEqual(second, equalSeq === "overwrite" ? "stored" : 302)
        assert.deepStrictEqual(get(0).v, ascii(equalSeq === "overwrite" ? "second" : "first"))
        assert.strictEqual(code(server.put(signed(7n, get(0).v as Uint8Array), from, 0)), "stored")
      }
    }),
  )

  it.effect("an item of our own replaces the copy stored for others, and nothing else", () =>
    Effect.gen(function* () {
      for (const equalSeq of ["overwrite", "keep-first"] as const) {
        const { server, get, signed } = yield* make({ equalSeq })
        const own = (value: string) => {
          const { k, sig, salt, seq, v } = signed(7n, ascii(value))
          return { publicKey: k, signature: sig, salt, seq, encodedValue: encode(v) }
        }
        server.update(own("first"), undefined, 0)
        assert.strictEqual(server.size, 0)
        server.put(signed(7n, ascii("first")), from, 0)
        server.update(own("second"), 7n, 0)
        assert.deepStrictEqual(get(0).v, ascii(equalSeq === "overwrite" ? "second" : "first"))
      }
    }),
  )

  it.effect("stores immutable items under the hash of their bencoding", () =>
    Effect.gen(function* () {
      const { server, get, signed } = yield* make()
      const v = ascii("Hello World!")
      assert.strictEqual(code(server.put({ id, token: signed(1n, v).token, v }, from, 0)), "stored")
      const { v: held, k } = get(0, immutableTarget(encode(v)))
      assert.deepStrictEqual(held, v)
      assert.isUndefined(k)
    }),
  )

  it.effect("forgets an item two hours after its last put", () =>
    Effect.gen(function* () {
      const { server, get, signed } = yield* make()
      server.put(signed(1n, ascii("x")), from, 0)
      assert.isDefined(get(120 * minute - 1).v)
      assert.isUndefined(get(120 * minute).v)
      assert.strictEqual(server.size, 0)
    }),
  )

  it.effect("keeps the items nearest to its own id when it is full, and refuses farther ones", () =>
    Effect.gen(function* () {
      const { server, get, signed, key } = yield* make()
      const salts = ["a", "b", "c", "d"]
        .map(ascii)
        .sort((a, b) => compareDistance(id, targetOf(key.publicKey, a), targetOf(key.publicKey, b)))
      const at = (i: number) => targetOf(key.publicKey, salts[i])
      for (const i of [0, 1, 3]) server.put(signed(1n, ascii("x"), salts[i]), from, 0)
      assert.strictEqual(code(server.put(signed(1n, ascii("x"), salts[2]), from, 0)), "stored")
      assert.strictEqual(server.size, 3)
      assert.isUndefined(get(0, at(3)).v)
      assert.strictEqual(code(server.put(signed(1n, ascii("x"), salts[3]), from, 0)), 202)
      for (const i of [0, 1, 2]) assert.isDefined(get(0, at(i)).v)
      assert.strictEqual(server.dropped, 2)
      // An immutable item takes the place of no mutable one.
      for (const v of ["1", "2", "3"].map(ascii)) server.put({ id, token: get(0).token as Uint8Array, v }, from, 0)
      assert.strictEqual(server.size, 6)
      // Items whose time is over make room first.
      const later = 121 * minute
      const token = get(later).token as Uint8Array
      assert.strictEqual(code(server.put({ ...signed(1n, ascii("x"), salts[3]), token }, from, later)), "stored")
      assert.strictEqual(server.size, 4)
    }),
  )

  it.effect("names 20 nodes, or as many as fit one datagram together with the item", () =>
    Effect.gen(function* () {
      const { server, get, signed } = yield* make()
      assert.strictEqual((get(0).nodes as Uint8Array).length, 20 * 26)
      server.put(signed(1n, new Uint8Array(995)), from, 0)
      const r = get(0)
      assert.isAtLeast((r.nodes as Uint8Array).length, 8 * 26)
      assert.isAtMost(encode({ t: "abcd", y: "r", r }).length, 1472)
    }),
  )
})
