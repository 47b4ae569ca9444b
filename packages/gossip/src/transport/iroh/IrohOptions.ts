/** The options of an iroh endpoint, and their check. It knows no binding. */
import { MillisFromInput, SocketAddress } from "@topic-tracker/common"
import { type Duration, Effect, Schema } from "effect"
import { isRelayUrl } from "../../AddressLookup.ts"
import { GossipError } from "../../model.ts"

/**
 * Options of an iroh endpoint.
 *
 * @since 0.1.0
 * @category options
 */
export interface IrohOptions {
  /**
   * `"minimal"` (default) contacts no host but peers. `"n0"` also uses the relays and the address discovery of iroh's makers.
   */
  readonly preset?: "minimal" | "n0"
  /** "IP:port" or "[IPv6]:port"; port 0 for any. Default: all interfaces, any port. A loopback address binds only loopback. */
  readonly bind?: string
  /**
   * The relays for peers that cannot be reached directly. `true` (default): those of the preset ("minimal" has none). `false`: none.
   * A list of http or https URLs: these in place of the preset's.
   */
  readonly relay?: boolean | ReadonlyArray<string>
  /** Application protocol. Default "/iroh-gossip/1". */
  readonly alpn?: string
  /**
   * Whether our loopback, private and link-local addresses are sent to other nodes, and private addresses of peers are dialled also
   * outside the subnets of our own interfaces. Default: only when bound to loopback.
   */
  readonly publishPrivateAddresses?: boolean
  /** A dial without success fails after this time. Default 10 s. */
  readonly dialTimeout?: Duration.Input
  /**
   * A connection over which no packet arrives for this time is closed. Default 15 s: three heartbeats. QUIC closes it after 30 s in
   * any case.
   */
  readonly silenceTimeout?: Duration.Input
  /** The interval at which our own addresses are checked for changes. Default 5 s. */
  readonly addressPollInterval?: Duration.Input
}

/** Whether an endpoint with these options has relays. */
export const usesRelays = ({ preset, relay = true }: IrohOptions): boolean =>
  typeof relay === "object" ? relay.length > 0 : relay && preset === "n0"

/** The durations among the options, in ms. */
export interface IrohTimes {
  readonly dialTimeoutMs: number
  readonly silenceTimeoutMs: number
  readonly addressPollMs: number
}

/** Durations in ms by option, each with its default. */
const TIMES = { dialTimeout: 10_000, silenceTimeout: 15_000, addressPollInterval: 5_000 }

const NAMES = ["preset", "bind", "relay", "alpn", "publishPrivateAddresses", ...Object.keys(TIMES)]

const positiveMillis = Schema.decodeUnknownOption(MillisFromInput.check(Schema.isGreaterThan(0)))

/** The durations of these options. Fails with InvalidArgument, which names the invalid or unknown option. */
export const checkOptions = Effect.fnUntraced(function* (
  options: IrohOptions,
): Effect.fn.Return<IrohTimes, GossipError> {
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name))
  if (unknown !== undefined) return yield* invalid(`${unknown}: is no option; must be one of ${NAMES.join(", ")}`)
  const { bind, preset, relay } = options
  if (bind !== undefined && SocketAddress.parse(bind) === undefined) {
    return yield* invalid(`bind: "${bind}"; must be "IP:port" or "[IPv6]:port"`)
  }
  if (preset !== undefined && preset !== "minimal" && preset !== "n0") {
    return yield* invalid(`preset: "${preset}"; must be "minimal" or "n0"`)
  }
  const wrong = typeof relay === "object" ? relay.find((url) => !isRelayUrl(url)) : undefined
  if (wrong !== undefined) return yield* invalid(`relay: "${wrong}"; must be an http or https URL`)
  return {
    dialTimeoutMs: yield* millisOf("dialTimeout", options),
    silenceTimeoutMs: yield* millisOf("silenceTimeout", options),
    addressPollMs: yield* millisOf("addressPollInterval", options),
  }
})

const millisOf = (name: keyof typeof TIMES, options: IrohOptions): Effect.Effect<number, GossipError> => {
  const input = options[name]
  if (input === undefined) return Effect.succeed(TIMES[name])
  const millis = positiveMillis(input)
  return millis._tag === "Some"
    ? Effect.succeed(millis.value)
    : invalid(`${name}: ${String(input)}; must be a duration above 0 such as "5 seconds"`)
}

const invalid = (message: string) => Effect.fail(new GossipError({ reason: "InvalidArgument", message }))
