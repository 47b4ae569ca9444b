/** The tests of DHT nodes of one kind: each language reads the records and items of the other through them. */
import { Context, Effect, Layer } from "effect"
import type * as dhts from "./dhts.ts"
import { assert, suite } from "./it.ts"
import * as Lab from "./Lab.ts"
import { type Language, program } from "./peers.ts"

/** The seq of every record: 2^63 − 1, more than a JavaScript number can hold. */
const MAX_SEQ = "9223372036854775807"

/** Two Ed25519 seeds (32 times 01 and 02) with their public keys. */
const first = { seed: "01".repeat(32), key: "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c" }
const second = { seed: "02".repeat(32), key: "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394" }

const salt = "5a17"

/**
 * A new DHT for each test: libtorrent's nodes return clients that have ended, instead of nodes that are there.
 */
class TestDht extends Context.Service<TestDht, { readonly host: Lab.Host; readonly bootstrap: string }>()(
  "interop/TestDht",
) {}

/** DHT nodes of one implementation. */
export interface Kind {
  readonly name: string
  readonly make: typeof dhts.mixed
  /** The values that remain after two puts with the same seq. */
  readonly keeps: ReadonlyArray<"first" | "second">
  /**
   * The nodes on which our put is stored; undefined if that varies. There are more that can store it, and the crate's put reaches others
   * than ours: an older item may remain on some.
   */
  readonly stores?: number
  /** A part of this test run that may be missing, with the reason. */
  readonly missing?: string | undefined
}

const both = [
  ["Rust", "TS"],
  ["TS", "Rust"],
] as const

/** Puts an item with a program of the language. Returns its report. */
const put = Effect.fn("put")(function* (
  language: Language,
  command: "put" | "record-put",
  options: Record<string, string>,
) {
  const { host, bootstrap } = yield* TestDht
  const writer = yield* program(language, host, `${command} (${language})`, command, { bootstrap, ...options })
  return yield* writer.first("stored")
})

/** The distinct items of the first key, as seq and value. */
const items = Effect.fn("items")(function* (language: Language) {
  const { host, bootstrap } = yield* TestDht
  const reader = yield* program(language, host, `get (${language})`, "get", { bootstrap, key: first.key, salt })
  yield* reader.first("done")
  const events = yield* reader.events
  const found = events.flatMap((event) => (event.event === "item" ? [`${event.seq} ${event.value}`] : []))
  return [...new Set(found)].sort()
})

/** The items found are the expected one, beside an older one if nodes of the kind may keep that. */
const assertFound = ({ stores }: Kind, found: ReadonlyArray<string>, expected: string) => {
  if (stores === undefined) assert.deepStrictEqual(found, [expected])
  else assert.include(found, expected)
}

/** The tests of each kind. */
export const testKinds = (kinds: ReadonlyArray<Kind>): void => {
  for (const kind of kinds) {
    const dht = Layer.effect(
      TestDht,
      Effect.gen(function* () {
        const host = yield* Lab.loopback
        const { bootstrap } = yield* kind.make(host)
        return { host, bootstrap }
      }),
    )

    if (kind.missing !== undefined) {
      suite(kind.name, (it) => it.skip(kind.missing ?? "", () => {}))
      continue
    }

    suite(kind.name, (it) => {
      for (const [writer, reader] of both) {
        it.effect(`${reader} reads an item of ${writer}`, () =>
          Effect.gen(function* () {
            for (const [seq, value] of [
              ["1", "aa01"],
              [MAX_SEQ, "aa02"],
            ] as const) {
              const { nodes } = yield* put(writer, "put", { seed: first.seed, salt, seq, value })
              if (writer === "TS" && kind.stores !== undefined) assert.strictEqual(nodes, kind.stores)
              assertFound(kind, yield* items(reader), `${seq} ${value}`)
            }
          }).pipe(Effect.provide(dht, { local: true })),
        )

        it.effect(`${reader} reads a record of ${writer}`, () =>
          Effect.gen(function* () {
            const { host, bootstrap } = yield* TestDht
            const topic = { topic: "records", secret: "s", minute: "29923200" }
            // Our record has an address and the mark of a members-only topic, too. The crate ignores both.
            const extra = writer === "TS" ? { address: "192.0.2.1:7", access: "members" } : {}
            const content = { peer: second.key, ...extra }
            const { record } = yield* put(writer, "record-put", { ...topic, seed: first.seed, ...content })
            const options = { bootstrap, ...topic, seed: second.seed }
            const search = yield* program(reader, host, `record-get (${reader})`, "record-get", options)
            const found = yield* search.first("record")
            assert.strictEqual(found.publicKey, first.key)
            assert.strictEqual(found.record, record)
            assert.deepStrictEqual(found.activePeers, [second.key])
            assert.strictEqual((yield* search.first("done")).count, 1)
          }).pipe(Effect.provide(dht, { local: true })),
        )

        if (kind.stores !== undefined) continue
        it.effect(
          `both read the ${kind.keeps.join(" and ")} of two items with one seq, by ${writer} and then ${reader}`,
          () =>
            Effect.gen(function* () {
              const { host, bootstrap } = yield* TestDht
              const values = { first: "bb01", second: "bb02" }
              const options = { seed: first.seed, salt, seq: MAX_SEQ, cas: MAX_SEQ }
              yield* put(writer, "put", { ...options, value: values.first })
              // Nodes that keep the first item may refuse the second, so its put may fail.
              const again = { bootstrap, ...options, value: values.second }
              yield* (yield* program(reader, host, `second put (${reader})`, "put", again)).ended
              const expected = kind.keeps.map((which) => `${MAX_SEQ} ${values[which]}`)
              assert.deepStrictEqual(yield* items("Rust"), expected)
              assert.deepStrictEqual(yield* items("TS"), expected)
            }).pipe(Effect.provide(dht, { local: true })),
        )
      }
    })
  }
}
