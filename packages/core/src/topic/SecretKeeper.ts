/**
 * The secrets of one open topic that this process was given, redacted, so that the topic can make invitations: its keys keep hashes alone. It replaces
 * the secret, too, and knows neither sessions nor neighbours.
 */
import { type EndpointId, initialSecretHash, type SecretRotation } from "@topic-tracker/crypto"
import type { EndpointAddress } from "@topic-tracker/gossip"
import { Clock, Duration, Effect, Option, Redacted } from "effect"
import * as Invite from "../invite/Invite.ts"
import type { TopicInviteOptions } from "../invite/TopicInviteOptions.ts"
import { type ReplaceSecretOptions, replaceSecret, type SecretGeneration } from "./channel/replaceSecret.ts"
import { invalidArgument, invalidInvite, refusedArgument, type TopicError } from "./TopicError.ts"
import type { TopicKey } from "./TopicKey.ts"

/** What a {@link SecretKeeper} needs. */
export interface SecretKeeperOptions {
  readonly key: TopicKey
  readonly rotation: SecretRotation["Service"]
  readonly endpointId: EndpointId.EndpointId
  /** Our addresses, as far as they are published. */
  readonly ownAddress: Effect.Effect<EndpointAddress>
}

export class SecretKeeper {
  readonly #options: SecretKeeperOptions
  /** Of those that replaced the initial one, the newest that we were given. */
  #newest: Invite.InviteGeneration | undefined

  constructor(options: SecretKeeperOptions) {
    this.#options = options
    this.note(options.key.settings.ring)
  }

  /** Remembers a secret that came with an invitation. */
  note(ring: Invite.InviteGeneration | undefined): void {
    if (ring !== undefined && ring.generation >= (this.#newest?.generation ?? 0)) this.#newest = ring
  }

  /** Replaces the secret from a minute on. */
  replace(
    secret: Redacted.Redacted<string | Uint8Array>,
    options: ReplaceSecretOptions,
  ): Effect.Effect<SecretGeneration, TopicError> {
    const { key, rotation } = this.#options
    return Effect.tap(replaceSecret(rotation, key.topic, initialSecretHash(secret), options), (place) =>
      Effect.sync(() => this.note({ ...place, secret: Redacted.make(bytesOf(Redacted.value(secret))) })),
    )
  }

  /** Makes an invitation. Waits until the node's addresses are known. */
  readonly invite = Effect.fnUntraced(
    { self: this },
    function* ({ expiresIn, peers = [] }: TopicInviteOptions): Effect.fn.Return<Redacted.Redacted<string>, TopicError> {
      const { endpointId, key, ownAddress } = this.#options
      const ms = yield* expiresIn === undefined ? Effect.succeed(undefined) : validMs(expiresIn)
      const ring = yield* this.#ring()
      const address = yield* ownAddress
      const now = yield* Clock.currentTimeMillis
      const made = Invite.make({
        topic: key.settings.name ?? key.topic,
        secret: key.secret,
        access: key.access,
        // Also without an address: the newcomer may find it by the id.
        peers: [{ id: endpointId, address }, ...peers],
        ...(ms !== undefined && { expires: now + ms }),
        ...(ring !== undefined && { ring }),
      })
      return yield* Effect.mapError(Effect.fromResult(made), invalidInvite)
    },
  )

  /** The newest secret, if the initial one was replaced. Fails if only its hash is known here. */
  #ring(): Effect.Effect<Invite.InviteGeneration | undefined, TopicError> {
    const { key, rotation } = this.#options
    const newest = rotation.secrets?.generations(key.topic).at(-1)
    if (newest === undefined) return Effect.succeed(undefined)
    if (newest.generation === this.#newest?.generation) return Effect.succeed(this.#newest)
    const message = `secret: generation ${newest.generation} was added to the rotation as a hash, and an invitation needs the secret itself; give it to topic.replaceSecret`
    return Effect.fail(refusedArgument("secret", message))
  }
}

const bytesOf = (secret: string | Uint8Array): Uint8Array =>
  typeof secret === "string" ? new TextEncoder().encode(secret) : secret.slice()

const MIN_MS = 1_000

const validMs = (expiresIn: Duration.Input): Effect.Effect<number, TopicError> => {
  const given = Option.map(Duration.fromInput(expiresIn), Duration.toMillis)
  return Option.isSome(given) && Number.isFinite(given.value) && given.value >= MIN_MS
    ? Effect.succeed(given.value)
    : Effect.fail(
        invalidArgument(
          "expiresIn",
          Option.isSome(given) ? `${given.value} ms` : "no duration",
          "a duration of at least 1 s",
        ),
      )
}
