/** Records and raw items go from one language to the other through DHT nodes of every kind. */

import type { FileSystem, Scope } from "effect"
import { Effect } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as dhts from "../lib/dhts.ts"
import type { InteropError } from "../lib/InteropError.ts"
import { assert, suite } from "../lib/it.ts"
import * as Lab from "../lib/Lab.ts"
import { type Language, program } from "../lib/peers.ts"

/** The seq of every record, which no JavaScript number holds. */
const maxSeq = "9223372036854775807"
const salt = "0a0b0c"

type Services = ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem | Scope.Scope

interface Kind {
  readonly name: string
  readonly make: (host: Lab.Host) => Effect.Effect<dhts.DhtNodes, InteropError, Services>
  /** Which of two values put with the same seq are there afterwards. */
  readonly keeps: ReadonlyArray<"first" | "second">
}

const kinds: ReadonlyArray<Kind> = [
  { name: "mainline 7 nodes", make: dhts.mainline, keeps: ["second"] },
  { name: "libtorrent nodes", make: dhts.libtorrent, keeps: ["first"] },
  { name: "our nodes, overwriting", make: (host) => dhts.ours(host), keeps: ["second"] },
  { name: "our nodes, keeping the first", make: dhts.oursKeepingFirst, keeps: ["first"] },
  { name: "nodes of all three", make: dhts.mixed, keeps: ["first", "second"] },
]

const both = [
  ["Rust", "TS"],
  ["TS", "Rust"],
] as const

/** Runs a program of the language that puts something, to its end. */
const put = Effect.fn("put")(function* (language: Language, host: Lab.Host, command: string, options: object) {
  const writer = yield* program(language, host, `${command} (${language})`, command, { ...options })
  const stored = yield* writer.first("stored")
  return stored
})

/** The distinct items under the key, as seq and value. */
const items = Effect.fn("items")(function* (language: Language, host: Lab.Host, bootstrap: string, key: string) {
  const reader = yield* program(language, host, `get (${language})`, "get", { bootstrap, key, salt })
  yield* reader.first("done")
  const found = (yield* reader.events).flatMap((event) =>
    event.event === "item" ? [`${event.seq} ${event.value}`] : [],
  )
  return [...new Set(found)].sort()
})

for (const kind of kinds) {
  suite(kind.name, (it) => {
    for (const [writer, reader] of both) {
      it.effect(`an item put by ${writer} is read by ${reader}`, () =>
        Effect.gen(function* () {
          const host = yield* Lab.loopback
          const { bootstrap } = yield* kind.make(host)
          const [seed, key] = seeds.first
          for (const seq of ["1", maxSeq]) {
            yield* put(writer, host, "put", { bootstrap, seed, salt, seq, value: `ca5e${seq.length}0` })
            assert.deepStrictEqual(yield* items(reader, host, bootstrap, key), [`${seq} ca5e${seq.length}0`])
          }
        }),
      )

      it.effect(`a record put by ${writer} is read by ${reader}`, () =>
        Effect.gen(function* () {
          const host = yield* Lab.loopback
          const { bootstrap } = yield* kind.make(host)
          const [seed, key] = seeds.first
          const options = { bootstrap, topic: "records", secret: "s", minute: "29923200" }
          const { record } = yield* put(writer, host, "record-put", { ...options, seed, peer: seeds.second[1] })
          const search = yield* program(reader, host, `record-get (${reader})`, "record-get", {
            ...options,
            seed: seeds.second[0],
          })
          const found = yield* search.first("record")
          assert.strictEqual(found.publicKey, key)
          assert.strictEqual(found.record, record)
          assert.strictEqual((yield* search.first("done")).count, 1)
        }),
      )

      it.effect(`of two items of one seq, by ${writer} then ${reader}, both read the ${kind.keeps.join(" and ")}`, () =>
        Effect.gen(function* () {
          const host = yield* Lab.loopback
          const { bootstrap } = yield* kind.make(host)
          const [seed, key] = seeds.first
          const values = { first: "aaaa", second: "bbbb" }
          const options = { bootstrap, seed, salt, seq: maxSeq, cas: maxSeq }
          yield* put(writer, host, "put", { ...options, value: values.first })
          const second = yield* program(reader, host, `second put (${reader})`, "put", {
            ...options,
            value: values.second,
          })
          // Nodes that keep the first may say so: the put may count as failed.
          yield* second.ended
          const expected = kind.keeps.map((which) => `${maxSeq} ${values[which]}`)
          assert.deepStrictEqual(yield* items("Rust", host, bootstrap, key), expected)
          assert.deepStrictEqual(yield* items("TS", host, bootstrap, key), expected)
        }),
      )
    }
  })
}

/** Two Ed25519 seeds with their public keys (the seeds are 32 times 01 and 02). */
const seeds = {
  first: ["01".repeat(32), "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"],
  second: ["02".repeat(32), "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394"],
} as const
