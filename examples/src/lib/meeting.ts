/**
 * The command-line options that all examples share: topic, secret and bootstrap nodes, and a DHT on this host to try the examples
 * without the internet.
 */
import {
  cacheFlag,
  Flags,
  type GivenSecret,
  type GivenTopic,
  readSecret,
  readTopic,
  secretFlags,
  topicFlags,
  UsageError,
  withNodeCache,
} from "@topic-tracker/cli-kit"
import { Crypto } from "@topic-tracker/crypto"
import type { DhtAddress } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect, Layer, Option, Redacted } from "effect"
import { Flag } from "effect/cli"

const TESTNET_PORT = 6881

/** For trying the examples out. Everybody knows it. */
const DEFAULT_SECRET = "no secret at all"

const dhtFlags = {
  bootstrap: Flags.bootstrap,
  testnet: Flag.Boolean("testnet").pipe(
    Flag.withDescription(`Use a DHT on this host, port ${TESTNET_PORT}. The first example with this option runs it`),
    Flag.withDefault(false),
  ),
  cache: cacheFlag,
}

/** `--topic`, `--secret-file`, `--secret`, `--bootstrap`, `--testnet` and `--cache`. `topic` is the default topic. */
export const meetingFlags = (topic: string) => ({
  topic: Flags.text("topic", `The topic's name (default "${topic}")`).pipe(Flag.withDefault(topic)),
  ...secretFlags(`The secret of the topic (default "${DEFAULT_SECRET}")`),
  ...dhtFlags,
})

/** The same for a members-only topic, with `--invite` in place of topic and secret. */
export const membersFlags = (topic: string) => {
  const { access: _, ...flags } = topicFlags({ topic, secret: DEFAULT_SECRET })
  return { ...flags, ...dhtFlags }
}

/** The values of {@link meetingFlags}. */
export interface Meeting extends GivenSecret {
  readonly topic: string
  /** The first DHT nodes to ask; the public ones if empty. */
  readonly bootstrap: ReadonlyArray<DhtAddress>
  readonly testnet: boolean
  /** Where known DHT nodes are kept for the next start. */
  readonly cache: Option.Option<string>
}

/** The DHT nodes of a {@link Meeting}. */
type DhtNodes = Pick<Meeting, "bootstrap" | "testnet" | "cache">

/** The secret of the options or of TOPIC_TRACKER_SECRET; the default one if none is given. */
export const secretOf = (meeting: GivenSecret) => readSecret(meeting, Redacted.make(DEFAULT_SECRET))

/** The members-only topic of {@link membersFlags}, for `Topic.join`, and its name. */
export const membersTopicOf = Effect.fnUntraced(function* (topic: string, given: Omit<GivenTopic, "access">) {
  const defaults = { topic, secret: DEFAULT_SECRET, access: "members" } as const
  const { access, join, name } = yield* readTopic({ ...given, access: Option.none() }, defaults)
  if (access === "members") return { join, name }
  return yield* new UsageError({ message: "--invite: it is to an open topic; this example needs a members-only one" })
})

/**
 * The layer of `make` for the bootstrap nodes of the options. Starts the testnet of `--testnet` below it. Known nodes of another network
 * are kept for the next start.
 */
export const layerOn = <A, E, R>(
  meeting: DhtNodes,
  make: (bootstrap: ReadonlyArray<DhtAddress>) => Layer.Layer<A, E, R>,
) =>
  Layer.unwrap(
    Effect.map(bootstrapNodes(meeting), (bootstrap) =>
      withNodeCache(make(bootstrap), { bootstrap, cache: meeting.cache }),
    ),
  )

const bootstrapNodes = Effect.fn("bootstrapNodes")(function* ({ bootstrap, testnet }: DhtNodes) {
  if (!testnet) return bootstrap
  if (bootstrap.length > 0) return yield* new UsageError({ message: "--testnet: not together with --bootstrap" })
  yield* DhtTestnet.make({ port: TESTNET_PORT }).pipe(
    Effect.provide(Crypto.layer()),
    // The port is in use: an example that was started before runs the testnet.
    Effect.catchIf(
      (error) => error.reason === "Bind",
      () => Effect.void,
    ),
  )
  return [{ host: "127.0.0.1", port: TESTNET_PORT }]
})
