/**
 * iroh's native binding and an endpoint of it: loading, binding the sockets, closing. It knows no connections.
 * The binding is @number0/iroh 1.1.
 */
import { closeSync, openSync } from "node:fs"
import { devNull, networkInterfaces } from "node:os"
import { setTimeout as sleep } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { isMainThread } from "node:worker_threads"
import type * as Iroh from "@number0/iroh"
import { SocketAddress } from "@topic-tracker/common"
import { Context, Deferred, Duration, Effect, Scope } from "effect"
import { GossipError } from "../../model.ts"
import { GOSSIP_ALPN } from "../Transport.ts"
import { type BindingBytesCodec, codecOf } from "./bindingBytes.ts"
import { checkOptions, type IrohOptions, type IrohTimes } from "./IrohOptions.ts"

export type Binding = typeof import("@number0/iroh")

/** An endpoint that is being bound or is bound. */
export interface StartedEndpoint {
  readonly binding: Binding
  readonly codec: BindingBytesCodec
  /** The options of the endpoint. */
  readonly options: IrohOptions
  readonly times: IrohTimes
  /** Whether it is bound to loopback only. */
  readonly isLoopback: boolean
  /** Waits until the endpoint is bound; fails with Bind if it cannot be bound. */
  readonly bound: Effect.Effect<BoundEndpoint, GossipError>
}

/**
 * The only reference to the native endpoint. The binding frees the UDP sockets of a closed endpoint only when its object is
 * garbage-collected, so nothing else may keep the object: a program may keep a service of ours long after its scope has closed.
 */
export class BoundEndpoint {
  #native: Iroh.Endpoint | undefined

  constructor(native: Iroh.Endpoint) {
    this.#native = native
  }

  /** The native endpoint, to be used at once and not kept; undefined after {@link close}. */
  get native(): Iroh.Endpoint | undefined {
    return this.#native
  }

  /** A weak reference to the native endpoint, which tells whether it was collected; undefined after {@link close}. */
  weakNative(): WeakRef<Iroh.Endpoint> | undefined {
    return this.#native === undefined ? undefined : new WeakRef(this.#native)
  }

  async close(): Promise<void> {
    const native = this.#native
    this.#native = undefined
    await native?.close()
  }
}

/** Garbage collections after which native objects that nothing refers to are gone, and the time from one to the next. */
const COLLECTIONS = 3
const COLLECTION_INTERVAL_MS = 10

/**
 * V8's garbage collector, or undefined on a runtime that has another one. A program that runs with `--expose-gc` has it as a global.
 * Otherwise the flag is set for the moment in which a new context is made, which then has the function; the program's own contexts do
 * not change.
 */
const findCollector = (): (() => unknown) | undefined => {
  if (globalThis.gc !== undefined) return globalThis.gc
  try {
    setFlagsFromString("--expose-gc")
    const collect: unknown = runInNewContext("gc")
    setFlagsFromString("--no-expose-gc")
    return typeof collect === "function" ? () => collect() : undefined
  } catch {
    return undefined
  }
}

/** The result of {@link findCollector}. A search makes a context, so a process searches once. */
let found: { readonly collect: (() => unknown) | undefined } | undefined

/** The collections that run, for all endpoints that closed shortly before. */
let collecting: Promise<void> | undefined

/**
 * Frees the sockets of an endpoint that was closed, given a weak reference to its native object. A collection stops the program for some
 * 10 ms (more with a heap of hundreds of megabytes), but without it the sockets stay bound until the next full collection: a fixed port
 * stays in use, and a program that opens and closes nodes runs out of descriptors. Endpoints that close together share the collections.
 */
const freeSockets = async (native: WeakRef<Iroh.Endpoint> | undefined): Promise<void> => {
  found ??= { collect: findCollector() }
  const { collect } = found
  if (collect === undefined || native === undefined) return
  for (let i = 0; i < COLLECTIONS && native.deref() !== undefined; i++) {
    collecting ??= sleep(COLLECTION_INTERVAL_MS).then(() => {
      collecting = undefined
      collect()
    })
    await collecting
    // The native object goes after the collection, in a turn of the event loop of its own.
    await sleep(COLLECTION_INTERVAL_MS)
  }
}

/**
 * An endpoint that is being bound or is bound, and does not accept connections yet.
 *
 * @since 0.1.0
 * @category services
 */
export class IrohEndpoint extends Context.Service<IrohEndpoint, StartedEndpoint>()(
  "@topic-tracker/gossip/IrohEndpoint",
) {}

/**
 * The end of the scope waits at most this long for the endpoint to close. All connections are closed by then; without the limit the
 * endpoint would wait some 3 s for packets of dials that no peer answers.
 */
const CLOSE_TIMEOUT = Duration.millis(300)

/**
 * Starts to bind an endpoint with this 32-byte secret key and does not wait for it: the first endpoint of a process takes some 10 ms,
 * further ones 2 to 4 ms. It is closed with the scope, whose end waits for a bind in progress. Fails with InvalidArgument, and with
 * Bind if the binding cannot be loaded.
 */
export const startEndpoint = Effect.fnUntraced(function* (
  options: IrohOptions,
  seed: Uint8Array,
): Effect.fn.Return<StartedEndpoint, GossipError, Scope.Scope> {
  const { bind } = options
  const times = yield* checkOptions(options)
  const relayUrls = typeof options.relay === "object" ? [...options.relay] : []
  const { binding, codec } = yield* loadBinding
  const isLoopback = bind !== undefined && isLoopbackAddress(bind)
  // By default iroh also binds the other IP family to all interfaces.
  const otherLoopback = !isLoopback ? undefined : bind.startsWith("[") ? "127.0.0.1" : "::1"

  const bindTo = (addresses: ReadonlyArray<string>): Effect.Effect<BoundEndpoint, GossipError> =>
    Effect.tryPromise({
      try: () => {
        const builder = binding.Endpoint.builder()
        if (options.preset !== "n0") binding.presetMinimal(builder)
        else if (options.relay === undefined || options.relay === true) binding.presetN0(builder)
        else binding.presetN0DisableRelay(builder)
        if (relayUrls.length > 0) builder.relayMode(binding.RelayMode.customFromUrls(relayUrls))
        builder.secretKey(codec.toBinding(seed))
        builder.alpns([codec.toBinding(new TextEncoder().encode(options.alpn ?? GOSSIP_ALPN))])
        for (const address of addresses) builder.bindAddr(address)
        return builder.bind().then((native) => new BoundEndpoint(native))
      },
      catch: (error) => {
        const message = `cannot bind ${bind ?? "an endpoint"}: ${causeOf(error)}`
        return new GossipError({ reason: "Bind", message })
      },
    })

  const wanted = bind === undefined ? [] : [bind]
  // A machine without IPv6 has no ::1. A second attempt without ::1 would find our own port still in use, so we ask first.
  const others = otherLoopback !== undefined && hasLoopback(otherLoopback) ? [withAnyPort(otherLoopback)] : []
  const attempt = bindTo([...wanted, ...others])
  const bound = Deferred.makeUnsafe<BoundEndpoint, GossipError>()
  // A scope of its own that exists from now on: a resource that is acquired later in the outer scope would be released first, while
  // it is still in use.
  const scope = yield* Scope.fork(yield* Effect.scope)
  yield* Effect.acquireRelease(attempt, (endpoint) =>
    Effect.suspend(() => {
      const native = endpoint.weakNative()
      return Effect.promise(() => endpoint.close().catch(() => {})).pipe(
        Effect.timeoutOption(CLOSE_TIMEOUT),
        Effect.andThen(Effect.promise(() => freeSockets(native))),
      )
    }),
  ).pipe(
    Scope.provide(scope),
    Deferred.into(bound),
    // Uninterruptible: the result is reported also if the scope closes meanwhile.
    Effect.forkIn(scope, { startImmediately: true, uninterruptible: true }),
  )
  return { binding, codec, options, times, isLoopback, bound: Deferred.await(bound) }
})

/** Whether the text is a socket address that only this machine reaches; any port, also 0. */
export const isLoopbackAddress = (text: string): boolean => {
  const address = SocketAddress.parse(text)
  return address !== undefined && SocketAddress.reachOf(address.ip) === "loopback"
}

/** Loopback addresses that this machine has. They do not change, and asking the system takes a third of a millisecond. */
const knownLoopback = new Set<string>()

const hasLoopback = (ip: string): boolean => {
  if (knownLoopback.has(ip)) return true
  const isHere = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === ip))
  if (isHere) knownLoopback.add(ip)
  return isHere
}

const withAnyPort = (ip: string): string => (ip.includes(":") ? `[${ip}]:0` : `${ip}:0`)

interface LoadedBinding {
  readonly binding: Binding
  readonly codec: BindingBytesCodec
}

/** The loaded binding. A second endpoint must not wait for a turn of the event loop here: the bind is the first step of a join. */
let loaded: LoadedBinding | undefined

/**
 * Loads the binding when the first endpoint is made: programs that use the network in memory never need it. Fails with Bind if there is
 * no build of the binding for this platform, and in a worker thread: when a thread ends with objects of the binding that are not
 * collected yet, the binding aborts the whole process.
 */
const loadBinding: Effect.Effect<LoadedBinding, GossipError> = Effect.suspend(() => {
  if (loaded !== undefined) return Effect.succeed(loaded)
  if (!isMainThread) {
    const message =
      "iroh's binding aborts the process when a worker thread ends; make the endpoint in the main thread or in a process of its own"
    return Effect.fail(new GossipError({ reason: "Bind", message }))
  }
  if (!hasFreeDescriptors(LOADING_DESCRIPTORS)) {
    const message = `the process has fewer than ${LOADING_DESCRIPTORS} file descriptors left, without which iroh's binding aborts; raise the limit (ulimit -n) or close files`
    return Effect.fail(new GossipError({ reason: "Bind", message }))
  }
  return Effect.tryPromise({
    try: async () => {
      const binding = await import("@number0/iroh")
      loaded = { binding, codec: codecOf(binding.SecretKey.generate().toBytes()) }
      return loaded
    },
    catch: (error) =>
      new GossipError({ reason: "Bind", message: `@number0/iroh cannot be loaded: ${loadFailure(error)}` }),
  })
})

/** The binding opens some 8 descriptors while it loads (its file, epoll, pipes), and an endpoint some 6 more. */
const LOADING_DESCRIPTORS = 16

/** Whether the process can open this many files more. The binding does not report that it cannot: it aborts the process. */
const hasFreeDescriptors = (count: number): boolean => {
  const opened: Array<number> = []
  try {
    while (opened.length < count) opened.push(openSync(devNull, "r"))
    return true
  } catch {
    return false
  } finally {
    for (const descriptor of opened) closeSync(descriptor)
  }
}

/** The platforms that @number0/iroh 1.1 has builds for. */
const PLATFORMS = [
  "android-arm",
  "android-arm64",
  "darwin-arm64",
  "linux-arm",
  "linux-arm64",
  "linux-x64",
  "win32-arm64",
  "win32-x64",
]

/**
 * The reason why the binding was not loaded. Its own message always advises to delete node_modules; the real reasons are in a chain
 * of causes.
 */
export const loadFailure = (error: unknown, platform = `${process.platform}-${process.arch}`): string => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (Reflect.get(cause, "code") === "ERR_DLOPEN_DISABLED") {
      return "native addons are disabled in this process (--no-addons, or no permission); the binding is one"
    }
  }
  if (!PLATFORMS.includes(platform)) {
    return `there is no build for ${platform}; there are builds for ${PLATFORMS.join(", ")}`
  }
  const isMissing = error instanceof Error && error.message.startsWith("Cannot find native binding")
  return isMissing
    ? `its build for ${platform} is not installed; install the dependencies with the optional ones, on this platform`
    : causeOf(error)
}

/** The cause in an error of the binding: the last line of its message before the stack backtrace. */
export const causeOf = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error)
  const lines = message.split("\n")
  const end = lines.findIndex((line) => line.startsWith("Stack backtrace"))
  const causes = (end < 0 ? lines : lines.slice(0, end)).map((line) => line.trim()).filter((line) => line !== "")
  return (causes.at(-1) ?? "unknown error").replace(/^\d+: /, "")
}
