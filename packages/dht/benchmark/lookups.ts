/**
 * Measures the time to the first item, of a whole lookup and of a put, each sample in a process of its own so that nothing is warm:
 *
 *     node --conditions=@topic-tracker/source packages/dht/benchmark/lookups.ts [--port PORT] [--samples 9]
 *
 * It runs against an embedded testnet of 20 nodes, of which 0, 25 and 50 % are stopped after they are in all tables; or, with
 * `--port`, against the testnet whose first node has that port. Times are ms; "start" is the building of the layer.
 */
import { execFile } from "node:child_process"
import { parseArgs, promisify } from "node:util"
import { Crypto } from "@topic-tracker/crypto"
import { Dht } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect, Redacted, Schema, Stream } from "effect"

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    samples: { type: "string", default: "9" },
    /** Used by the program itself: one sample against a port. */
    sample: { type: "string" },
  },
})
const seq = 2n ** 63n - 1n

/** The key that the samples share: the item exists from the first sample on. */
const sharedKey = Effect.map(Crypto, (crypto) => crypto.signingKey(Redacted.make(new Uint8Array(32).fill(7))))

const Sample = Schema.Struct({
  /** From the start of the process and from that of the layer to the first item. */
  firstFromProcessStart: Schema.Number,
  first: Schema.Number,
  lookup: Schema.Number,
  put: Schema.Number,
  /** The same target again, from the closest nodes remembered. */
  again: Schema.Number,
  heard: Schema.Number,
})

const sample = Effect.fnUntraced(function* (port: number) {
  const key = yield* sharedKey
  const value = new Uint8Array(604)
  const start = performance.now()
  return yield* Effect.gen(function* () {
    const dht = yield* Dht
    let first = Number.NaN
    let firstFromProcessStart = Number.NaN
    const get = Stream.runForEach(dht.get({ publicKey: key.publicKey }), () =>
      Effect.sync(() => {
        if (!Number.isNaN(first)) return
        firstFromProcessStart = performance.now()
        first = firstFromProcessStart - start
      }),
    )
    yield* get
    const lookup = performance.now() - start
    const putStart = performance.now()
    const { stored } = yield* dht.put({ key, seq, cas: seq, value })
    const put = performance.now() - putStart
    const againStart = performance.now()
    yield* get
    const again = performance.now() - againStart
    return { first, firstFromProcessStart, lookup, put, again, heard: stored }
  }).pipe(Effect.provide(Dht.layer({ bootstrap: [{ host: "127.0.0.1", port }] })))
})

/** Median, minimum and maximum. */
const summary = (numbers: ReadonlyArray<number>): string => {
  const sorted = [...numbers].sort((a, b) => a - b)
  const text = (value: number | undefined) => (value ?? Number.NaN).toFixed(value !== undefined && value > 99 ? 0 : 1)
  return `${text(sorted[sorted.length >> 1])} (${text(sorted[0])} to ${text(sorted.at(-1))})`
}

const report = Effect.fnUntraced(function* (name: string, port: number) {
  const samples: Array<typeof Sample.Type> = []
  for (let i = 0; i < Number(values.samples); i++) {
    const { stdout } = yield* Effect.promise(() =>
      promisify(execFile)(
        process.execPath,
        ["--conditions=@topic-tracker/source", import.meta.filename, "--sample", String(port)],
        { timeout: 60_000 },
      ),
    )
    samples.push(yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Sample))(stdout))
  }
  console.log(name)
  for (const field of ["firstFromProcessStart", "first", "lookup", "put", "again", "heard"] as const) {
    console.log(`  ${field.padEnd(22)} ${summary(samples.map((one) => one[field]))}`)
  }
})

const benchmark = Effect.gen(function* () {
  if (values.sample !== undefined) {
    console.log(JSON.stringify(yield* sample(Number(values.sample))))
  } else if (values.port !== undefined) {
    yield* sample(Number(values.port))
    yield* report(`testnet on port ${values.port}`, Number(values.port))
  } else {
    for (const dead of [0, 25, 50]) {
      yield* Effect.scoped(
        Effect.gen(function* () {
          const net = yield* DhtTestnet.make({ nodes: 20 })
          const { port } = net.addresses[0]!
          yield* sample(port)
          const step = dead === 0 ? Number.POSITIVE_INFINITY : 100 / dead
          for (let i = step - 1; i < 20; i += step) yield* net.stop(i)
          yield* report(`embedded testnet of 20, ${dead} % dead`, port)
        }),
      )
    }
  }
})

await Effect.runPromise(benchmark.pipe(Effect.scoped, Effect.provide(Crypto.layer())))
