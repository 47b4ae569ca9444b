import { assert, describe, it } from "@effect/vitest"
import { publishedBeside } from "@topic-tracker/common/testing"
import { Schema } from "effect"
import { type EncodableDictionary, encode } from "../src/krpc/bencode.ts"
import { parse } from "../src/krpc/message.ts"
import { makeGenerator } from "../src/testing/memory/generator.ts"

const published = publishedBeside(import.meta.url)

const id = new Uint8Array(20).fill(1)
const target = new Uint8Array(20).fill(2)
const token = new Uint8Array(4)
const k = new Uint8Array(32)
const sig = new Uint8Array(64)
const query = (q: string, a: EncodableDictionary, more: EncodableDictionary = {}) =>
  encode({ t: "abcd", y: "q", q, a, ...more })
const response = (r: EncodableDictionary) => encode({ t: "abcd", y: "r", r })

const bep5 = published(
  "bep5.json",
  Schema.Struct({
    cases: Schema.Array(
      Schema.Struct({
        about: Schema.String,
        datagram: Schema.String,
        type: Schema.optionalKey(Schema.Literals(["q", "r", "e"])),
        method: Schema.optionalKey(Schema.String),
      }),
    ),
  }),
).cases

describe("parse", () => {
  it.each(bep5)("BEP 5: $about", ({ datagram, method, type }) => {
    const message = parse(new TextEncoder().encode(datagram))
    assert.strictEqual(message?.y, type)
    assert.strictEqual(message?.y === "q" ? message.q : undefined, method)
  })

  it("reads every method and keeps integers exact", () => {
    assert.deepInclude(parse(query("ping", { id })), { q: "ping", y: "q" })
    assert.deepInclude(parse(query("find_node", { id, target })), { q: "find_node" })
    assert.deepInclude(parse(query("get_peers", { id, info_hash: target })), { q: "get_peers" })
    assert.deepInclude(parse(query("announce_peer", { id, info_hash: target, port: 6881, token, implied_port: 1 })), {
      q: "announce_peer",
    })
    const get = parse(query("get", { id, target, seq: 2n ** 63n - 1n }, { ro: 1 }))
    assert.deepStrictEqual(get, {
      t: new TextEncoder().encode("abcd"),
      ro: 1n,
      y: "q",
      q: "get",
      a: { id, target, seq: 2n ** 63n - 1n },
    })
    const put = parse(query("put", { id, token, target, v: "x", k, sig, seq: -1n, cas: 5, salt: "s" }))
    assert.deepInclude(put, { q: "put" })
  })

  it("keeps only the fields it knows", () => {
    const message = parse(query("ping", { id, evil: "x" }, { v: "UT01", z: [] }))
    assert.deepStrictEqual(message, { t: new TextEncoder().encode("abcd"), y: "q", q: "ping", a: { id } })
  })

  it("reads a query of an unknown method, so that it can be answered with an error", () => {
    assert.deepInclude(parse(query("vote", { id })), { y: "q", q: "vote" })
  })

  it("reads answers and errors", () => {
    const r = { id, nodes: new Uint8Array(52), token, k, sig, seq: 2n ** 63n - 1n, v: new Uint8Array(604) }
    assert.deepInclude(parse(response(r)), { y: "r", r })
    assert.deepInclude(parse(encode({ t: "abcd", y: "e", e: [301, "CAS mismatch"] })), { y: "e" })
    assert.deepInclude(parse(encode({ t: "abcd", y: "e", e: [204] })), { y: "e" })
  })

  it.each([
    ["a target that is a number", new TextEncoder().encode("d1:ad6:targeti5ee1:q3:get1:t2:aa1:y1:qe")],
    ["no arguments", encode({ t: "aa", y: "q", q: "ping" })],
    ["arguments that are a list", encode({ t: "aa", y: "q", q: "ping", a: [] })],
    ["an id of 19 bytes", query("ping", { id: id.slice(1) })],
    ["a method that is a number", encode({ t: "aa", y: "q", q: 5, a: { id } })],
    ["no method", encode({ t: "aa", y: "q", a: { id } })],
    ["a transaction id that is a number", encode({ t: 5, y: "q", q: "ping", a: { id } })],
    ["a transaction id of 33 bytes", encode({ t: "a".repeat(33), y: "q", q: "ping", a: { id } })],
    ["a port above 65535", query("announce_peer", { id, info_hash: target, port: 65536, token })],
    ["a token that is a list", query("announce_peer", { id, info_hash: target, port: 1, token: [] })],
    ["a seq that is text", query("get", { id, target, seq: "5" })],
    ["a put with a key and no signature", query("put", { id, token, v: "x", k, seq: 1 })],
    ["a put with a key and no seq", query("put", { id, token, v: "x", k, sig })],
    ["a put with a signature and no key", query("put", { id, token, v: "x", sig, seq: 1 })],
    ["a put without a value", query("put", { id, token, k, sig, seq: 1 })],
    ["nodes of 27 bytes", response({ id, nodes: new Uint8Array(27) })],
    ["nodes that are a list", response({ id, nodes: [] })],
    ["a key of 31 bytes", response({ id, k: k.slice(1) })],
    ["values that are no list", response({ id, values: "x" })],
    ["an answer without an id", response({})],
    ["an answer that is text", encode({ t: "abcd", y: "r", r: "x" })],
    ["an error that is text", encode({ t: "abcd", y: "e", e: "no" })],
    ["an empty error", encode({ t: "abcd", y: "e", e: [] })],
    ["another type", encode({ t: "abcd", y: "x" })],
    ["no type", encode({ t: "abcd" })],
    ["a list", encode([1])],
    ["a number", encode(1)],
  ])("does not read %s", (_name, datagram) => {
    assert.isUndefined(parse(datagram))
  })

  it("never throws for damaged messages, and does not read most of them", () => {
    const generator = makeGenerator(5)
    const pick = (length: number) => Math.floor(generator.next() * length)
    const samples = [
      query("get", { id, target }),
      query("put", { id, token, target, v: "x", k, sig, seq: 1 }),
      response({ id, nodes: new Uint8Array(52), token, k, sig, seq: 5, v: "x" }),
    ]
    let read = 0
    for (let round = 0; round < 20_000; round++) {
      const input = samples[round % samples.length]!.slice()
      for (let damage = pick(6); damage >= 0; damage--) input[pick(input.length)] = pick(256)
      if (parse(input) !== undefined) read++
    }
    assert.isBelow(read, 18_000)
    for (let round = 0; round < 20_000; round++) parse(generator.bytes(pick(80)))
  })
})

describe("the order of keys in a message", () => {
  const ascii = (text: string) => new TextEncoder().encode(text)
  const idText = "\u0001".repeat(20)

  it("may be any", () => {
    const ping = parse(ascii(`d1:y1:q1:t2:aa1:q4:ping1:ad2:id20:${idText}ee`))
    assert.deepStrictEqual(ping, { t: ascii("aa"), y: "q", q: "ping", a: { id } })
    const answer = parse(ascii(`d1:t2:aa1:y1:r1:rd5:token2:xy2:id20:${idText}ee`))
    assert.deepInclude(answer, { y: "r" })
    assert(answer?.y === "r")
    assert.deepStrictEqual({ ...answer.r }, { id, token: ascii("xy") })
  })

  it("must be ascending in the value of an item, whose bytes are signed", () => {
    const valueOf = (v: string) => parse(ascii(`d1:t2:aa1:y1:r1:rd1:v${v}2:id20:${idText}ee`))
    assert.isDefined(valueOf("d1:ai1e1:bi2ee"))
    assert.isUndefined(valueOf("d1:bi2e1:ai1ee"))
    assert.isUndefined(valueOf("ld1:bi2e1:ai1eee"))
  })

  it("does not allow a key twice", () => {
    assert.isUndefined(parse(ascii(`d1:y1:q1:t2:aa1:q4:ping1:t2:bb1:ad2:id20:${idText}ee`)))
  })
})
