/**
 * What the examples share as programs: the options that say where and under which secret to meet, and a DHT on this host to
 * try them on without the internet.
 */
import { Flags, UsageError } from "@topic-tracker/cli-kit"
import { Crypto } from "@topic-tracker/crypto"
import { type DhtAddress, DhtTestnet } from "@topic-tracker/dht"
import { Effect, Layer, Redacted } from "effect"
import { Flag } from "effect/cli"

const TESTNET_PORT = 6881

/** `--topic`, `--secret`, `--bootstrap` and `--testnet`. The example's own topic is the default. */
export const meetingFlags = (topic: string) => ({
  topic: Flags.text("topic", `The topic's name (default "${topic}")`).pipe(Flag.withDefault(topic)),
  secret: Flags.secret('What only its members know (default "no secret at all")').pipe(
    Flag.withDefault(Redacted.make("no secret at all")),
  ),
  bootstrap: Flags.bootstrap,
  testnet: Flag.Boolean("testnet").pipe(
    Flag.withDescription(`Meet on a DHT of this host, port ${TESTNET_PORT}: the first to ask for it runs it`),
    Flag.withDefault(false),
  ),
})

/** Where and under which secret to meet. */
export interface Meeting {
  readonly topic: string
  readonly secret: Redacted.Redacted<string>
  /** DHT nodes to start from; the public ones when empty. */
  readonly bootstrap: ReadonlyArray<DhtAddress>
  readonly testnet: boolean
}

/** The layer that `make` gives for the DHT nodes that the options name. A testnet of our own outlives it. */
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
    // The port is in use: by the testnet of an example that was started before.
    Effect.catchIf(
      (error) => error.reason === "Bind",
      () => Effect.void,
    ),
  )
  return [{ host: "127.0.0.1", port: TESTNET_PORT }]
})
