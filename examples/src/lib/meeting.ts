/**
 * The command-line options that all examples share: topic, secret and bootstrap nodes, and a DHT on this host to try the examples
 * without the internet.
 */
import { Flags, UsageError } from "@topic-tracker/cli-kit"
import { Crypto } from "@topic-tracker/crypto"
import type { DhtAddress } from "@topic-tracker/dht"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect, Layer, Redacted } from "effect"
import { Flag } from "effect/cli"

const TESTNET_PORT = 6881

/** `--topic`, `--secret`, `--bootstrap` and `--testnet`. `topic` is the default topic. */
export const meetingFlags = (topic: string) => ({
  topic: Flags.text("topic", `The topic's name (default "${topic}")`).pipe(Flag.withDefault(topic)),
  secret: Flags.secret('The secret of the topic (default "no secret at all")').pipe(
    Flag.withDefault(Redacted.make("no secret at all")),
  ),
  bootstrap: Flags.bootstrap,
  testnet: Flag.Boolean("testnet").pipe(
    Flag.withDescription(`Use a DHT on this host, port ${TESTNET_PORT}. The first example with this option runs it`),
    Flag.withDefault(false),
  ),
})

/** The values of {@link meetingFlags}. */
export interface Meeting {
  readonly topic: string
  readonly secret: Redacted.Redacted<string>
  /** The first DHT nodes to ask; the public ones if empty. */
  readonly bootstrap: ReadonlyArray<DhtAddress>
  readonly testnet: boolean
}

/** The layer of `make` for the bootstrap nodes of the options. Starts the testnet of `--testnet` below it. */
export const layerOn = <A, E, R>(
  meeting: Pick<Meeting, "bootstrap" | "testnet">,
  make: (bootstrap: ReadonlyArray<DhtAddress>) => Layer.Layer<A, E, R>,
) => Layer.unwrap(Effect.map(bootstrapNodes(meeting), make))

const bootstrapNodes = Effect.fn("bootstrapNodes")(function* ({
  bootstrap,
  testnet,
}: Pick<Meeting, "bootstrap" | "testnet">) {
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
