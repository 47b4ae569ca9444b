/**
 * Checks members-only topics against `members.json`: keys, doors, envelopes, invitations. The values are the project's own; interop/members
 * has a second implementation that agrees with them.
 */
import { Bytes } from "@topic-tracker/common"
import { type Invite, parseAt } from "@topic-tracker/core/Invite"
import { Crypto, type CryptoService, initialSecretHash, SecretRotation, TopicId } from "@topic-tracker/crypto"
import {
  checkHeader,
  Door,
  Envelope,
  type EpochKeys,
  EpochWindow,
  MembersKeys,
  openEnvelope,
} from "@topic-tracker/crypto/members"
import { Protocol } from "@topic-tracker/gossip"
import { Effect, Redacted, Result, Schema } from "effect"
import { caseNotes, failedChecks, HexText, type VectorCheck } from "./VectorReport.ts"

const Keys = Schema.Struct({
  topic_name: Schema.String,
  secret: Schema.String,
  minute: Schema.Int,
  rotation_seed: HexText,
  default_rotation: Schema.Boolean,
  gossip_topic: HexText,
  door_tag: HexText,
  door_key: HexText,
  channels: Schema.Array(Schema.Struct({ name: Schema.String, mode: Schema.Int, tag: HexText })),
  author: HexText,
  session: HexText,
  seal_key: HexText,
})

const DoorCase = Schema.Struct({
  name: Schema.String,
  topic_name: Schema.String,
  secret: Schema.String,
  dialler: HexText,
  acceptor: HexText,
  m1: HexText,
  m2: HexText,
  m3: HexText,
  m4: HexText,
  valid: Schema.Boolean,
})

const EnvelopeCase = Schema.Struct({
  name: Schema.String,
  topic_name: Schema.String,
  secret: Schema.String,
  own_minute: Schema.Int,
  scope: Schema.Literals(["swarm", "neighbors"]),
  bytes: HexText,
  verdict: Schema.Literals(["accept", "ignore", "reject"]),
  step: Schema.NullOr(Schema.String),
  plaintext: Schema.optionalKey(HexText),
  extension: Schema.optionalKey(Schema.NullOr(HexText)),
  messages: Schema.optionalKey(Schema.NullOr(Schema.Array(HexText))),
})

const Invitation = Schema.Struct({
  name: Schema.String,
  text: Schema.String,
  now: Schema.Int,
  topic_name: Schema.NullOr(Schema.String),
  topic_id: Schema.NullOr(HexText),
  secret: HexText,
  access: Schema.Literals(["open", "members"]),
  expires: Schema.NullOr(Schema.Int),
  ring: Schema.NullOr(Schema.Struct({ generation: Schema.Int, from: Schema.Int, secret: HexText })),
  peers: Schema.Array(Schema.Struct({ id: HexText, data: HexText })),
})

const BadInvitation = Schema.Struct({
  name: Schema.String,
  text: Schema.String,
  now: Schema.Int,
  reason: Schema.String,
})

const MembersFile = Schema.Struct({
  keys: Schema.Array(Keys),
  doors: Schema.Array(DoorCase),
  envelopes: Schema.Array(EnvelopeCase),
  bad_envelopes: Schema.Array(EnvelopeCase),
  invitations: Schema.Array(Invitation),
  bad_invitations: Schema.Array(BadInvitation),
})

/** Checks every case of `members.json`. */
export const membersVectors: VectorCheck = Effect.fnUntraced(function* (json) {
  const file = yield* Schema.decodeUnknownEffect(MembersFile)(json)
  const topics = new Topics(yield* Crypto, yield* SecretRotation)
  const { note, report } = caseNotes("members")
  for (const [i, each] of file.keys.entries()) note(`keys ${i}`, yield* topics.checkKeys(each))
  for (const each of file.doors) note(`door "${each.name}"`, yield* topics.checkDoor(each))
  for (const each of [...file.envelopes, ...file.bad_envelopes]) {
    note(`envelope "${each.name}"`, yield* topics.checkEnvelope(each))
  }
  for (const each of file.invitations) note(`invitation "${each.name}"`, checkInvitation(each))
  for (const each of file.bad_invitations) {
    const read = parseAt(each.text, each.now * 1000)
    const reason = Result.isFailure(read) ? read.failure.reason : "none"
    note(`invitation "${each.name}"`, failedChecks({ [`reason ${each.reason}`]: reason === each.reason }))
  }
  return report()
}, Effect.provide(SecretRotation.layer()))

class Topics {
  readonly #crypto: CryptoService
  readonly #rotation: SecretRotation["Service"]

  constructor(crypto: CryptoService, rotation: SecretRotation["Service"]) {
    this.#crypto = crypto
    this.#rotation = rotation
  }

  #topic(name: string, secret: string) {
    const topic = TopicId.fromName(name)
    const secretHash = initialSecretHash(Redacted.make(secret))
    const seedOf = (minute: number) =>
      this.#rotation.encryptionSeed({ topic, unixMinute: BigInt(minute), initialSecretHash: secretHash })
    return { keys: new MembersKeys(this.#crypto, topic, secretHash), seedOf }
  }

  *checkKeys(expected: typeof Keys.Type): Effect.fn.Return<ReadonlyArray<string>> {
    const { keys, seedOf } = this.#topic(expected.topic_name, expected.secret)
    const byDefault = Bytes.toHex(Redacted.value(yield* seedOf(expected.minute)))
    const epoch = keys.epoch(expected.minute, Redacted.make(Bytes.fromHex(expected.rotation_seed)))
    const stream = Bytes.fromHex(expected.author + expected.session + Bytes.toHex(keys.channelTag("chat")))
    return failedChecks({
      "rotation seed": (byDefault === expected.rotation_seed) === expected.default_rotation,
      "gossip topic": keys.gossipTopic.hex === expected.gossip_topic,
      "door tag": Bytes.toHex(epoch.doorTag) === expected.door_tag,
      "door key": Bytes.toHex(Redacted.value(epoch.door)) === expected.door_key,
      "channel tags": expected.channels.every(({ mode, name, tag }) => {
        const made = keys.channelTag(name, { group: (mode & 1) !== 0, neighborsOnly: (mode & 2) !== 0 })
        return Bytes.toHex(made) === tag
      }),
      "seal key": Bytes.toHex(epoch.sealKey(stream)) === expected.seal_key,
    })
  }

  *checkDoor(expected: typeof DoorCase.Type): Effect.fn.Return<ReadonlyArray<string>> {
    const { keys, seedOf } = this.#topic(expected.topic_name, expected.secret)
    const [m1, m2, m3] = [expected.m1, expected.m2, expected.m3].map(Bytes.fromHex)
    const [d, a] = [Door.decodeM1(m1!), Door.decodeM2(m2!)]
    const epochOf = (minute: number): Effect.Effect<EpochKeys> =>
      Effect.map(seedOf(minute), (seed) => keys.epoch(minute, seed))
    const epoch = yield* epochOf(Math.max(d.epoch, a.epoch))
    const transcript = {
      m1: m1!,
      m2: m2!,
      dialler: Bytes.fromHex(expected.dialler),
      acceptor: Bytes.fromHex(expected.acceptor),
      gossipTopic: keys.gossipTopic.bytes,
    }
    const valid =
      Bytes.toHex(Door.encodeM3(epoch, transcript)) === expected.m3 &&
      Bytes.toHex(Door.encodeM4(epoch, transcript, m3!)) === expected.m4
    return failedChecks({
      "door tag": Bytes.equals(d.doorTag, (yield* epochOf(d.epoch)).doorTag),
      "m1 again": Bytes.toHex(Door.encodeM1(d)) === expected.m1,
      "m2 again": Bytes.toHex(Door.encodeM2(a)) === expected.m2,
      proofs: valid === expected.valid,
    })
  }

  *checkEnvelope(expected: typeof EnvelopeCase.Type): Effect.fn.Return<ReadonlyArray<string>> {
    const { keys, seedOf } = this.#topic(expected.topic_name, expected.secret)
    const window = new EpochWindow()
    for (const minute of window.setMinute(expected.own_minute)) window.add(keys.epoch(minute, yield* seedOf(minute)))
    const envelope = Bytes.fromHex(expected.bytes)
    const early = checkHeader(window, envelope, expected.scope)
    const opened = early?.step ?? openEnvelope(this.#crypto, window, keys.gossipTopic.bytes, envelope)
    if (typeof opened === "string") {
      return failedChecks({
        verdict: (early?.verdict ?? "reject") === expected.verdict,
        step: opened === expected.step,
      })
    }
    const hexOf = (bytes: Uint8Array | undefined) => (bytes === undefined ? null : Bytes.toHex(bytes))
    return failedChecks({
      verdict: expected.verdict === "accept",
      plaintext: hexOf(opened.plaintext) === expected.plaintext,
      extension: hexOf(opened.contents?.extension) === expected.extension,
      messages: JSON.stringify(opened.contents?.messages.map(hexOf) ?? null) === JSON.stringify(expected.messages),
      "made again": hexOf(this.#sealAgain(keys, window, envelope, opened.plaintext)) === expected.bytes,
    })
  }

  /** The same envelope, made by its author, whose seed is 32 bytes of 07. */
  #sealAgain(keys: MembersKeys, window: EpochWindow, envelope: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const flags = Envelope.flags(envelope)
    return Envelope.seal(this.#crypto, {
      mode: { group: !Envelope.isSigned(envelope), neighborsOnly: (flags & Envelope.Flag.neighborsOnly) !== 0 },
      flags,
      keys: window.keys(Envelope.epoch(envelope))!,
      gossipTopic: keys.gossipTopic.bytes,
      author: this.#crypto.signingKey(Redacted.make(new Uint8Array(32).fill(7))),
      session: Envelope.session(envelope),
      channel: Envelope.channel(envelope),
      seq: Envelope.seq(envelope),
      index: Envelope.index(envelope),
      count: Envelope.count(envelope),
      plaintext,
    })
  }
}

const checkInvitation = (expected: typeof Invitation.Type): ReadonlyArray<string> => {
  const read = parseAt(expected.text, expected.now * 1000)
  if (Result.isFailure(read)) return [read.failure.reason]
  const { name: _name, now: _now, text: _text, ...fields } = expected
  const found = fieldsOf(read.success)
  return failedChecks(
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        JSON.stringify(found[name as keyof typeof found]) === JSON.stringify(value),
      ]),
    ),
  )
}

const fieldsOf = ({
  access,
  expires,
  peers,
  ring,
  secret,
  topic,
}: Invite): Omit<typeof Invitation.Type, "name" | "now" | "text"> => ({
  topic_name: typeof topic === "string" ? topic : null,
  topic_id: typeof topic === "string" ? null : topic.hex,
  secret: Bytes.toHex(Redacted.value(secret)),
  access,
  expires: expires === undefined ? null : expires / 1000,
  ring:
    ring === undefined
      ? null
      : { generation: ring.generation, from: ring.from, secret: Bytes.toHex(Redacted.value(ring.secret)) },
  peers: peers.map(({ address, id }) => ({ id, data: Bytes.toHex(Protocol.encodePeerData(address)) })),
})
