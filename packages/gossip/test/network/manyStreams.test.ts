/** A peer that opens streams and ends none, against a node in a process of its own whose memory is measured. */
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import type * as Iroh from "@number0/iroh"
import { Effect } from "effect"
import { bareConnect, bareEndpoint } from "./bareIroh.ts"

interface Sample {
  readonly rss: number
  readonly connections: number
  readonly overfullConnections: number
}

const measuredNode = Effect.gen(function* () {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const file = fileURLToPath(new URL("./measuredNode.ts", import.meta.url))
      return spawn(process.execPath, ["--conditions=@topic-tracker/source", file, "streams"], {
        stdio: ["ignore", "pipe", "inherit"],
      })
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL")),
  )
  const samples: Array<Sample> = []
  let address: { readonly endpointId: string; readonly direct: ReadonlyArray<string> } | undefined
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (address === undefined) address = JSON.parse(line)
    else samples.push(JSON.parse(line))
  })
  while (samples.length < 10) yield* Effect.sleep(20)
  return { address: address!, samples }
})

const CONNECTIONS = 4
const STREAMS = 4_096

/** Opens streams on four connections. Each gets the bytes, as long as the node takes them, and no end. */
const attack = Effect.fnUntraced(function* (
  node: Effect.Success<typeof measuredNode>,
  bytes: (i: number) => Array<number>,
) {
  const before = Math.max(...node.samples.map(({ rss }) => rss))
  const kept: Array<Iroh.SendStream> = []
  const open = async (connection: Iroh.Connection): Promise<void> => {
    for (let i = 0; i < STREAMS; i++) {
      const stream = await connection.openUni()
      kept.push(stream)
      // Resolves never if the node takes no more.
      stream.writeAll(bytes(i)).catch(() => {})
    }
  }
  const connections: Array<Iroh.Connection> = []
  for (let i = 0; i < CONNECTIONS; i++) {
    const endpoint = yield* bareEndpoint
    connections.push(yield* Effect.promise(() => bareConnect(endpoint, node.address)))
  }
  for (const connection of connections) open(connection).catch(() => {})
  yield* Effect.sleep("8 seconds")
  const { length } = kept
  const peak = Math.max(...node.samples.map(({ rss }) => rss))
  return { megabytes: (peak - before) / 1024 ** 2, opened: length, last: node.samples.at(-1)! }
})

describe("a peer that opens thousands of streams and ends none", () => {
  it.live(
    "takes at most 64 MB of memory with streams that only begin",
    () =>
      Effect.gen(function* () {
        const node = yield* measuredNode
        const { last, megabytes, opened } = yield* attack(node, () => [0, 0, 0, 32, 1])
        assert.isAtLeast(opened, CONNECTIONS * 100, "the attack ran")
        assert.isAtMost(megabytes, 64)
        assert.strictEqual(last.connections, CONNECTIONS)
      }),
    { timeout: 40_000 },
  )

  it.live(
    "takes at most 64 MB of memory with 100 KB on each stream, and is disconnected when they are not read fast enough",
    () =>
      Effect.gen(function* () {
        const node = yield* measuredNode
        // Frames of a topic that is not open, the last one incomplete.
        const frame = [0, 0, 0x0f, 0xff, ...new Array<number>(4_095).fill(7)]
        const body = Array.from({ length: 25 }, () => frame).flat()
        const { last, megabytes } = yield* attack(node, (i) => [
          0,
          0,
          0,
          32,
          ...new Array<number>(32).fill(i & 255),
          ...body,
        ])
        assert.isAtMost(megabytes, 64)
        assert.isAtMost(last.connections, CONNECTIONS)
      }),
    { timeout: 40_000 },
  )

  it.live(
    "takes at most 64 MB of memory with two-way streams, which gossip does not accept, and is disconnected",
    () =>
      Effect.gen(function* () {
        const node = yield* measuredNode
        const before = Math.max(...node.samples.map(({ rss }) => rss))
        const chunk = new Array<number>(65_536).fill(7)
        const kept: Array<Iroh.BiStream> = []
        const open = async (connection: Iroh.Connection): Promise<void> => {
          for (let i = 0; i < 100; i++) {
            const stream = await connection.openBi()
            kept.push(stream)
            await stream.send.writeAll(chunk)
          }
        }
        for (let i = 0; i < CONNECTIONS; i++) {
          const endpoint = yield* bareEndpoint
          const connection = yield* Effect.promise(() => bareConnect(endpoint, node.address))
          open(connection).catch(() => {})
        }
        for (let i = 0; i < 100 && node.samples.at(-1)!.overfullConnections < CONNECTIONS; i++) yield* Effect.sleep(100)
        assert.strictEqual(node.samples.at(-1)!.overfullConnections, CONNECTIONS)
        assert.isAtMost((Math.max(...node.samples.map(({ rss }) => rss)) - before) / 1024 ** 2, 64)
      }),
    { timeout: 40_000 },
  )
})
