/**
 * Invitations: a short text with everything that a newcomer needs to join a topic. An invitation is membership: its holder has the
 * secret. Its parts that are secret are Redacted, and no error quotes the text.
 */
import { concat } from "@topic-tracker/common/Bytes"
import { EndpointId, TopicId } from "@topic-tracker/crypto"
import { inviteChecksum } from "@topic-tracker/crypto/members"
import { type EndpointAddress, Protocol } from "@topic-tracker/gossip"
import { Postcard } from "@topic-tracker/postcard"
import { Clock, Effect, Option, Redacted, Result } from "effect"
import * as z32 from "z32"
import { InviteError } from "./InviteError.ts"

export { InviteError } from "./InviteError.ts"

/**
 * The longest invitation, in characters. It is a QR code of version 16 in its alphanumeric mode.
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_INVITE_CHARACTERS = 700
/**
 * The number of endpoints in an invitation.
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_INVITE_PEERS = 4
const PREFIX = "tt1"
const VERSION = 1
const CHECKSUM_BYTES = 4

const codec = Postcard.struct({
  topic: Postcard.taggedUnion({ Name: { name: Postcard.string }, Id: { id: Postcard.fixedBytes(32) } }),
  secret: Postcard.bytes,
  access: Postcard.literals("open", "members"),
  expires: Postcard.option(Postcard.u64),
  ring: Postcard.option(Postcard.struct({ generation: Postcard.u32, from: Postcard.u64, secret: Postcard.bytes })),
  peers: Postcard.seq(Postcard.struct({ id: Postcard.fixedBytes(32), data: Postcard.bytes })),
})

/**
 * An endpoint that the newcomer dials at once.
 *
 * @since 0.1.0
 * @category models
 */
export interface InvitePeer {
  readonly id: EndpointId.EndpointId
  readonly address: EndpointAddress
}

/**
 * The newest secret of a topic whose secret was replaced, with its generation and the minute from which it is used.
 *
 * @since 0.1.0
 * @category models
 */
export interface InviteGeneration {
  readonly generation: number
  readonly from: number
  readonly secret: Redacted.Redacted<Uint8Array>
}

/**
 * What an invitation says.
 *
 * @since 0.1.0
 * @category models
 */
export interface Invite {
  /** The topic's name, or its 32 bytes. */
  readonly topic: string | TopicId
  /** The secret that the topic was founded with. */
  readonly secret: Redacted.Redacted<Uint8Array>
  readonly access: "open" | "members"
  /** ms since the Unix epoch, in whole seconds. Undefined if it does not expire. Advice to honest programs. */
  readonly expires: number | undefined
  readonly ring: InviteGeneration | undefined
  /** At most 4. Their addresses are claims: who answers there must prove membership like anybody. */
  readonly peers: ReadonlyArray<InvitePeer>
}

/**
 * What {@link make} takes.
 *
 * @since 0.1.0
 * @category options
 */
export interface InviteOptions {
  readonly topic: string | TopicId
  readonly secret: Redacted.Redacted<string | Uint8Array>
  /** Default `"members"`. */
  readonly access?: "open" | "members"
  /** ms since the Unix epoch; rounded down to seconds. */
  readonly expires?: number
  readonly ring?: InviteGeneration
  /** Of more than 4, and of more than fit into the text, the last ones are left out. */
  readonly peers?: ReadonlyArray<InvitePeer>
}

/**
 * The text of an invitation: at most 700 letters and digits without case, fit for a QR code. Fails with Invalid if topic and secret do not
 * fit, or a value is outside of its range.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: InviteOptions): Result.Result<Redacted.Redacted<string>, InviteError> => {
  const secret = Redacted.value(options.secret)
  const peers = (options.peers ?? []).slice(0, MAX_INVITE_PEERS).map(({ address, id }) => ({
    id: EndpointId.bytes(id),
    data: Protocol.encodePeerData(address),
  }))
  const { expires, ring } = options
  // A join refuses such a text: it looks like another one but names another topic.
  for (const [name, text] of Object.entries({ topic: options.topic, secret })) {
    if (typeof text === "string" && text !== text.normalize("NFC")) {
      return invalid(`${name}: text that is not in Unicode's form NFC; use the text's normalize("NFC"), or its bytes`)
    }
  }
  if (expires !== undefined && !(expires >= 0 && Number.isSafeInteger(Math.floor(expires)))) {
    return invalid(`expires: ${expires}; must be a time in ms since the Unix epoch`)
  }
  if (ring !== undefined && !(Number.isSafeInteger(ring.from) && ring.from >= 0)) {
    return invalid(`ring.from: ${ring.from}; must be a minute since the Unix epoch`)
  }
  for (;;) {
    const encoded = Postcard.encodeResult(codec)({
      topic:
        typeof options.topic === "string"
          ? { _tag: "Name", name: options.topic }
          : { _tag: "Id", id: options.topic.bytes },
      secret: typeof secret === "string" ? new TextEncoder().encode(secret) : secret,
      access: options.access ?? "members",
      expires: expires === undefined ? Option.none() : Option.some(BigInt(Math.floor(expires / 1000))),
      ring:
        ring === undefined
          ? Option.none()
          : Option.some({
              generation: ring.generation,
              from: BigInt(ring.from),
              secret: Redacted.value(ring.secret),
            }),
      peers,
    })
    if (Result.isFailure(encoded)) return invalid("topic, ring or peers: a value is outside of its range")
    const body = concat(Uint8Array.of(VERSION), encoded.success)
    const text = PREFIX + z32.encode(concat(body, inviteChecksum(body)))
    if (text.length <= MAX_INVITE_CHARACTERS) return Result.succeed(Redacted.make(text, { label: "invite" }))
    if (peers.length === 0)
      return invalid(`topic and secret: ${text.length} characters; at most ${MAX_INVITE_CHARACTERS}`)
    peers.pop()
  }
}

/**
 * Reads an invitation. Case and white space do not matter. Fails with Expired if its time is over by Effect's Clock.
 *
 * @since 0.1.0
 * @category encoding
 */
export const parse = (text: Redacted.Redacted<string> | string): Effect.Effect<Invite, InviteError> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.fromResult(parseAt(typeof text === "string" ? text : Redacted.value(text), now)),
  )

/**
 * Fails with Expired if the time of the invitation is over by Effect's Clock.
 *
 * @since 0.1.0
 * @category predicates
 */
export const checkTime = ({ expires }: Pick<Invite, "expires">): Effect.Effect<void, InviteError> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.fromResult(checkTimeAt(expires, now)))

/**
 * {@link parse} at a time in ms since the Unix epoch.
 *
 * @since 0.1.0
 * @category encoding
 */
export const parseAt = (text: string, now: number): Result.Result<Invite, InviteError> =>
  Result.flatMap(readText(text), (bytes) => readBody(bytes, now))

const readText = (text: string): Result.Result<Uint8Array, InviteError> => {
  // Before the white space is removed, so that a long text costs nothing.
  if (text.length > 4 * MAX_INVITE_CHARACTERS) return notAnInvite(`${text.length} characters`)
  const compact = text.replace(/\s+/g, "").toLowerCase()
  if (!compact.startsWith(PREFIX)) return notAnInvite("it does not begin with tt1")
  if (compact.length > MAX_INVITE_CHARACTERS) return notAnInvite(`${compact.length} characters`)
  const encoded = compact.slice(PREFIX.length)
  const bytes = Result.try(() => z32.decode(encoded))
  if (Result.isFailure(bytes)) return notAnInvite("it has a character that no invitation has")
  // The last character may have bits that belong to no byte: a wrong one is found only here.
  if (z32.encode(bytes.success) !== encoded) return fail("Checksum", "a character is wrong or missing")
  if (bytes.success.length < 1 + CHECKSUM_BYTES) return notAnInvite("it is too short")
  return Result.succeed(bytes.success)
}

const readBody = (bytes: Uint8Array, now: number): Result.Result<Invite, InviteError> => {
  const body = bytes.subarray(0, bytes.length - CHECKSUM_BYTES)
  const checksum = inviteChecksum(body)
  if (!checksum.every((byte, i) => byte === bytes[body.length + i])) {
    return fail("Checksum", "a character is wrong or missing")
  }
  if (body[0] !== VERSION) return fail("Version", `version ${body[0]}; this library reads version ${VERSION}`)
  // Bytes after the value are for later versions.
  const decoded = Postcard.decodeResult(codec)(body.subarray(1))
  if (Result.isFailure(decoded)) return invalid("its content is not that of an invitation")
  const { access, expires, peers, ring, secret, topic } = decoded.success
  if (peers.length > MAX_INVITE_PEERS) return invalid(`${peers.length} peers; at most ${MAX_INVITE_PEERS}`)
  const seconds = Option.getOrUndefined(expires)
  if (seconds !== undefined && seconds > MAX_SECONDS) return invalid("it expires after the year 275760")
  const expiresAt = seconds === undefined ? undefined : Number(seconds) * 1000
  const inTime = checkTimeAt(expiresAt, now)
  if (Result.isFailure(inTime)) return Result.fail(inTime.failure)
  const generation = Option.getOrUndefined(ring)
  if (generation !== undefined && generation.from > MAX_SECONDS) return invalid("its secret is never used")
  const addresses = peers.map(({ data }) => Protocol.decodePeerData(data))
  return Result.succeed({
    topic: topic._tag === "Name" ? topic.name : TopicId.fromBytes(topic.id),
    secret: Redacted.make(secret, { label: "secret" }),
    access,
    expires: expiresAt,
    ring: generation && {
      generation: generation.generation,
      from: Number(generation.from),
      secret: Redacted.make(generation.secret, { label: "secret" }),
    },
    // A peer whose address cannot be read can still be found through the DHT.
    peers: peers.map(({ id }, i) => ({
      id: EndpointId.fromBytes(id),
      address: Result.getOrElse(addresses[i]!, () => ({ relayUrl: undefined, direct: [] })),
    })),
  })
}

const checkTimeAt = (expires: number | undefined, now: number): Result.Result<void, InviteError> =>
  expires === undefined || now < expires
    ? Result.void
    : fail("Expired", `it expired at ${new Date(expires).toISOString()}`)

/** The last second that a JavaScript Date can have. */
const MAX_SECONDS = 8_640_000_000_000n

const fail = (reason: InviteError["reason"], problem: string) =>
  Result.fail(new InviteError({ reason, message: `invitation: ${problem}` }))
const invalid = (problem: string) => fail("Invalid", problem)
const notAnInvite = (problem: string) => fail("NotAnInvite", problem)
