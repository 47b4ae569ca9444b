/**
 * The addresses of the bootstrap nodes. Names are resolved next to everything else: a node without a working resolver starts as
 * fast as any other, logs which names it did not resolve, and goes on trying, because it may have been started before its
 * network. All addresses of a name are used, and names are resolved again when no node answers: a name may have moved.
 */
import { Clock, Deferred, Duration, Effect, Latch, type Scope } from "effect"
import { decodeNodes } from "../krpc/compactNodes.ts"
import type { KrpcSocket } from "../krpc/KrpcSocket.ts"
import { ipv4, isPrivateHost, type ReachOf } from "../krpc/nodeId.ts"
import type { DhtAddress, DhtNode } from "../model.ts"
import { resolveHost } from "./resolveHost.ts"

export interface Bootstrap {
  /** The addresses known so far: the first one of each name before the second ones. */
  readonly addresses: () => ReadonlyArray<DhtAddress>
  /** Completes when there is an address, or the first attempt at each name has failed. */
  readonly known: Effect.Effect<void>
  /** No node answers: the names are resolved again, at most once in {@link MIN_INTERVAL}. */
  readonly resolveAgain: () => void
}

/** The first pause before names that were not resolved are tried again; the pauses double, up to a minute. */
const FIRST_PAUSE_MS = 1000
const MAX_PAUSE_MS = 60_000

/** The shortest time between two resolutions of a name that was resolved. */
const MIN_INTERVAL = Duration.seconds(30)

/** An attempt that takes longer counts as failed for now. */
const ATTEMPT_TIMEOUT = Duration.seconds(10)

/** Starts to resolve the names in the scope. Addresses need no resolving. */
export const resolveBootstrap = Effect.fnUntraced(function* (
  nodes: ReadonlyArray<DhtAddress>,
  resolve: (host: string) => Effect.Effect<ReadonlyArray<string>, unknown> = resolveHost,
): Effect.fn.Return<Bootstrap, never, Scope.Scope> {
  /** For each node, in the order of the option. */
  const resolved = nodes.map(({ host }): ReadonlyArray<string> => (ipv4(host) === undefined ? [] : [host]))
  const names = [...nodes.keys()].filter((index) => ipv4(nodes[index]!.host) === undefined)
  const known = yield* Deferred.make<void>()
  const isWanted = Latch.makeUnsafe(false)
  if (names.length < nodes.length || names.length === 0) Deferred.doneUnsafe(known, Effect.void)

  /** Resolves one name. Returns whether that failed; the addresses known before are kept then. */
  const attempt = Effect.fnUntraced(function* (index: number) {
    const addresses = yield* resolve(nodes[index]!.host).pipe(
      Effect.timeout(ATTEMPT_TIMEOUT),
      Effect.catch(() => Effect.succeed([])),
    )
    if (addresses.length === 0) return true
    resolved[index] = addresses
    Deferred.doneUnsafe(known, Effect.void)
    return false
  })

  const resolveAll = Effect.gen(function* () {
    let due = names
    let pauseMs = FIRST_PAUSE_MS
    let isFirst = true
    for (;;) {
      const began = yield* Clock.monotonicTimeNanos
      const failed = yield* Effect.filter(due, attempt, { concurrency: "unbounded" })
      if (isFirst) {
        for (const index of failed)
          yield* Effect.logWarning(`bootstrap: the name ${nodes[index]!.host} was not resolved; it is tried again`)
      }
      isFirst = false
      Deferred.doneUnsafe(known, Effect.void)
      if (failed.length > 0) {
        yield* Effect.sleep(pauseMs)
        pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)
        due = isWanted.isOpen() ? names : failed
      } else {
        yield* isWanted.await
        const passed = Duration.nanos((yield* Clock.monotonicTimeNanos) - began)
        yield* Effect.sleep(Duration.subtract(MIN_INTERVAL, passed))
        pauseMs = FIRST_PAUSE_MS
        due = names
      }
      yield* isWanted.close
    }
  })
  if (names.length > 0) yield* Effect.forkScoped(resolveAll)

  return {
    addresses: () => {
      const addresses: Array<DhtAddress> = []
      const most = Math.max(0, ...resolved.map(({ length }) => length))
      for (let round = 0; round < most; round++) {
        for (const [index, { port }] of nodes.entries()) {
          const host = resolved[index]![round]
          if (host !== undefined) addresses.push({ host, port })
        }
      }
      return addresses
    },
    known: Deferred.await(known),
    resolveAgain: () => void isWanted.openUnsafe(),
  }
})

/** Bootstrap nodes that are asked for other nodes at the start. */
const MAX_GREETED = 4

/** Programs mostly begin their first lookup within this time. It asks public bootstrap nodes too, whose answers take longer. */
const GREET_PUBLIC_AFTER = Duration.millis(25)

export interface GreetOptions {
  readonly bootstrap: Bootstrap
  readonly socket: KrpcSocket
  /** Our node id. */
  readonly id: Uint8Array
  readonly reachOf: ReachOf
  /** Whether a lookup has begun. */
  readonly hasLookup: () => boolean
  /** Runs for each answer with the nodes that it named. */
  readonly onAnswer: (named: ReadonlyArray<DhtNode>, from: DhtAddress) => void
}

/** Asks the first bootstrap nodes for the nodes nearest to us, as soon as their addresses are known, unless a lookup asks public ones. */
export const greetBootstrap = ({
  bootstrap,
  hasLookup,
  id,
  onAnswer,
  reachOf,
  socket,
}: GreetOptions): Effect.Effect<void> =>
  Effect.gen(function* () {
    yield* bootstrap.known
    const addresses = bootstrap.addresses().slice(0, MAX_GREETED)
    const isPublic = addresses.every(({ host }) => !isPrivateHost(host, reachOf))
    if (isPublic) yield* Effect.sleep(GREET_PUBLIC_AFTER)
    if (isPublic && hasLookup()) return
    for (const address of addresses) {
      socket.query(address, "find_node", { id, target: id }, (event) => {
        if (event._tag !== "reply") return
        onAnswer(decodeNodes(event.reply.nodes ?? new Uint8Array(0), address.host, undefined, reachOf), address)
      })
    }
  })
