/**
 * Arguments: MEGABYTES PROCESSES RECEIVERS (in each process). The source of a content is this process; the receivers are nodes in processes of their own, all on loopback with
 * files in a temporary folder. Meanwhile the source makes a small round trip each 50 ms to a node in another process, which takes no part. Prints for one receiver
 * (`one`) and for all of them (`all`): the copies that the source sent, the seconds until the last receiver was done, and the round trips in ms; and those before (`alone`).
 */
import { type ChildProcess, fork } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { NodeServices } from "@effect/platform-node"
import { EndpointId } from "@topic-tracker/crypto"
import { Peers, type PeersService } from "@topic-tracker/peers"
import { ContentHash, Share, type ShareService, ShareStorage } from "@topic-tracker/share"
import { Clock, Effect, Fiber, Layer, Stream } from "effect"
import { type KnownNode, knowNodes, knownNodes, makePeerNode } from "./peers/peerNode.ts"
import { main, numberAt, print } from "./print.ts"

const PING_MS = 50
const ALONE_PINGS = 100
const CHILD = "child"

/** What the source tells a process of receivers. */
interface Task {
  readonly nodes: ReadonlyArray<KnownNode>
  readonly source: string
  readonly hash: string
  /** The receivers of this process that take part. */
  readonly count: number
}

type Report = { readonly _tag: "Ready"; readonly nodes: ReadonlyArray<KnownNode> } | { readonly _tag: "Done" }

/** A node that shares, with files in a folder of its own. */
const makeShare = (peers: PeersService, knows: () => ReadonlyArray<EndpointId.EndpointId>, folder: string) =>
  Share.make({ neighbors: Effect.sync(knows) }).pipe(
    Effect.provideService(Peers, peers),
    Effect.provide(
      ShareStorage.layerFiles({ directory: join(folder, peers.endpointId) }).pipe(Layer.provide(NodeServices.layer)),
    ),
  )

const serveEcho = (peers: PeersService) =>
  peers.serve({ protocol: "ping" }, ({ socket }) =>
    Effect.gen(function* () {
      const writer = yield* socket.writer
      const { pull } = yield* socket.reader
      for (;;) for (const chunk of yield* pull) yield* writer.write(chunk)
    }).pipe(Effect.scoped),
  )

const child = (receivers: number, folder: string) =>
  Effect.gen(function* () {
    let source: ReadonlyArray<EndpointId.EndpointId> = []
    const nodes: Array<{ readonly share: ShareService }> = []
    for (let i = 0; i < receivers; i++) {
      const peers = yield* makePeerNode()
      yield* serveEcho(peers)
      nodes.push({ share: yield* makeShare(peers, () => source, folder) })
    }
    const services = yield* Effect.context()
    process.on("message", (task: Task) => {
      knowNodes(task.nodes)
      source = [EndpointId.EndpointId.make(task.source)]
      void Effect.runPromiseWith(services)(
        Effect.forEach(
          nodes.slice(0, task.count),
          ({ share }) => Stream.runDrain(share.fetch(ContentHash.make(task.hash), { timeout: "2 minutes" })),
          { concurrency: "unbounded", discard: true },
        ),
      ).then(() => process.send?.({ _tag: "Done" } satisfies Report))
    })
    process.send?.({ _tag: "Ready", nodes: knownNodes() } satisfies Report)
    yield* Effect.never
  }).pipe(Effect.scoped)

const startChild = (receivers: number, folder: string) =>
  Effect.gen(function* () {
    const process_ = yield* Effect.acquireRelease(
      Effect.sync(() => fork(fileURLToPath(import.meta.url), [CHILD, String(receivers), folder])),
      (started) => Effect.sync(() => void started.kill("SIGKILL")),
    )
    const ready = yield* nextReport(process_)
    return { process: process_, nodes: ready._tag === "Ready" ? ready.nodes : [] }
  })

const nextReport = (from: ChildProcess): Effect.Effect<Report> =>
  Effect.callback<Report>((resume) => void from.once("message", (report) => resume(Effect.succeed(report as Report))))

const measure = (megabytes: number, processes: number, receivers: number, folder: string) =>
  Effect.gen(function* () {
    const peers = yield* makePeerNode()
    const share = yield* makeShare(peers, () => [], folder)
    const echo = yield* startChild(1, folder)
    const children = yield* Effect.forEach(Array.from({ length: processes }), () => startChild(receivers, folder))
    knowNodes([echo, ...children].flatMap((each) => each.nodes))

    const socket = yield* peers.connect(echo.nodes[0]![0], { protocol: "ping" })
    const writer = yield* socket.writer
    const { pull } = yield* socket.reader
    const ping = Effect.gen(function* () {
      const start = performance.now()
      yield* writer.write(new Uint8Array(80))
      for (let left = 80; left > 0; ) for (const chunk of yield* pull) left -= chunk.length
      return performance.now() - start
    })
    const pings: Array<number> = []
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.flatMap(ping, (ms) => {
          pings.push(ms)
          return Effect.sleep(PING_MS)
        }),
      ),
    )
    yield* Effect.sleep(ALONE_PINGS * PING_MS)
    const alone = pings.splice(0)

    const run = Effect.fnUntraced(function* (count: number, seed: number, taking: typeof children) {
      const bytes = new Uint8Array(megabytes * 1_000_000)
      for (let i = 0, state = seed; i < bytes.length; i++) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
        bytes[i] = state >>> 16
      }
      const content = yield* share.share(bytes)
      yield* Effect.sleep("1 second")
      pings.length = 0
      const startedAt = yield* Clock.currentTimeMillis
      const done = yield* Effect.forEach(taking, ({ process: each }) => {
        each.send({ nodes: knownNodes(), source: peers.endpointId, hash: content.hash, count } satisfies Task)
        return Effect.forkChild(nextReport(each))
      })
      for (const each of done) yield* Fiber.join(each)
      const seconds = ((yield* Clock.currentTimeMillis) - startedAt) / 1_000
      return { copies: (yield* content.uploaded) / bytes.length, seconds, pings: pings.splice(0) }
    }, Effect.scoped)

    return { alone, one: yield* run(1, 1, children.slice(0, 1)), all: yield* run(receivers, 2, children) }
  }).pipe(Effect.scoped)

if (process.argv[2] === CHILD) await main(child(numberAt(1), process.argv[4] ?? tmpdir()))
else {
  const folder = mkdtempSync(join(tmpdir(), "bench-share-"))
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
  await main(Effect.map(measure(numberAt(0), numberAt(1), numberAt(2), folder), print))
}
