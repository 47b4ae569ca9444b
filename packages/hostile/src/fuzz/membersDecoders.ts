/** Decoders of members-only topics: invitations, envelopes and their contents, repair messages. */
import { make, parseAt } from "@topic-tracker/core/Invite"
import { EndpointId, TopicId } from "@topic-tracker/crypto"
import { Envelope, inviteChecksum, Plaintext } from "@topic-tracker/crypto/members"
import type { Protocol } from "@topic-tracker/gossip"
import { decodeRepair, encodeRepair, type RepairMessage } from "@topic-tracker/gossip/members"
import { Redacted, Result } from "effect"
import { type Decoder, kindOfMessage, magnitude, sameBytes } from "./Decoder.ts"
import { pick, randomBytes } from "./mutate.ts"

type Rng = Protocol.Rng

/** z-base-32, without padding. */
const ALPHABET = "ybndrfg8ejkmcpqxot1uwisza345h769"

const z32 = (bytes: Uint8Array): string => {
  let text = ""
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(value >>> (bits - 5)) & 31]
    value &= 0xff
  }
  return bits === 0 ? text : text + ALPHABET[(value << (5 - bits)) & 31]
}

/** The first byte of an input: the rest is the invitation's text, or the bytes inside, without their checksum. */
const TEXT = 1

const NOW = 1_800_000_000_000

const invitation = (rng: Rng): string => {
  const made = make({
    topic: rng.nextInt(2) === 0 ? `topic ${rng.nextInt(1_000)}` : TopicId.fromBytes(randomBytes(rng, 32)),
    secret: Redacted.make(randomBytes(rng, 1 + rng.nextInt(40))),
    access: pick(rng, ["open", "members"] as const),
    ...(rng.nextInt(2) === 0 ? {} : { expires: NOW + 1_000 * (1 + rng.nextInt(1_000_000)) }),
    ...(rng.nextInt(2) === 0
      ? {}
      : {
          ring: {
            generation: rng.nextInt(100),
            from: rng.nextInt(30_000_000),
            secret: Redacted.make(randomBytes(rng, 32)),
          },
        }),
    peers: Array.from({ length: rng.nextInt(4) }, () => ({
      id: EndpointId.fromBytes(randomBytes(rng, 32)),
      address: { relayUrl: undefined, direct: [`9.1.${rng.nextInt(256)}.1:${1 + rng.nextInt(65_535)}`] },
    })),
  })
  return Result.isSuccess(made) ? Redacted.value(made.success) : ""
}

export const invite: Decoder = {
  name: "invite",
  about: "invitations: their text, and the bytes inside",
  part: 0.5,
  generate: (rng) => Uint8Array.of(TEXT, ...new TextEncoder().encode(invitation(rng))),
  decode: (bytes) => {
    const rest = bytes.subarray(1)
    const text =
      bytes[0] === TEXT
        ? Buffer.from(rest).toString("latin1")
        : `tt1${z32(Buffer.concat([rest, inviteChecksum(rest)]))}`
    const decoded = parseAt(text, NOW)
    if (Result.isFailure(decoded)) {
      return { _tag: "refused", kind: `${decoded.failure.reason} ${kindOfMessage(decoded.failure.message)}` }
    }
    const { access, expires, peers, ring } = decoded.success
    return {
      _tag: "value",
      kind: `${access} ${expires === undefined} ${ring === undefined} ${peers.length}`,
      again: () => {
        const { topic, secret } = decoded.success
        const made = make({
          topic,
          secret,
          access,
          peers,
          ...(expires === undefined ? {} : { expires }),
          ...(ring === undefined ? {} : { ring }),
        })
        // A text that is shorter than the one read may lack peers; that it can be made at all is not promised for odd values.
        if (Result.isFailure(made)) return undefined
        const second = parseAt(Redacted.value(made.success), NOW)
        if (Result.isFailure(second)) return `what was made is refused: ${second.failure.message}`
        const same = sameBytes(Redacted.value(second.success.secret), Redacted.value(secret))
        return same && second.success.expires === expires ? undefined : "the invitation is not the same"
      },
    }
  },
}

const repairMessage = (rng: Rng): RepairMessage => {
  const stream = randomBytes(rng, 48)
  const seq = () => rng.nextInt(2 ** 32)
  switch (rng.nextInt(5)) {
    case 0:
      return {
        _tag: "Heads",
        heads: Array.from({ length: rng.nextInt(9) }, () => ({ stream: randomBytes(rng, 48), seq: seq() })),
      }
    case 1:
      return {
        _tag: "Want",
        stream,
        ranges: Array.from({ length: rng.nextInt(5) }, () => ({ from: seq(), to: seq() })),
        parts: rng.nextInt(2) === 0 ? undefined : Array.from({ length: rng.nextInt(9) }, () => rng.nextInt(65_536)),
      }
    case 2:
      return {
        _tag: "Have",
        envelopes: Array.from({ length: rng.nextInt(4) }, () => randomBytes(rng, rng.nextInt(200))),
      }
    case 3:
      return { _tag: "None", stream, from: seq(), to: seq() }
    default:
      return { _tag: "Seen", stream, seq: seq() }
  }
}

/** Without the length before it. */
const repairBody = (message: RepairMessage): Uint8Array => encodeRepair(message).subarray(4)

export const repair: Decoder = {
  name: "repair",
  about: "repair messages between members",
  generate: (rng) => repairBody(repairMessage(rng)),
  decode: (bytes) => {
    const decoded = decodeRepair(bytes)
    if (decoded === undefined) return { _tag: "refused", kind: `refused ${bytes[0]}` }
    return {
      _tag: "value",
      kind: decoded._tag,
      again: () => {
        const encoded = repairBody(decoded)
        const second = decodeRepair(encoded)
        return second !== undefined && sameBytes(repairBody(second), encoded)
          ? undefined
          : "the message is not the same"
      },
    }
  },
}

const VERSION = 1

const envelopeBytes = (rng: Rng): Uint8Array => {
  const flags = rng.nextInt(128)
  const bytes = randomBytes(rng, Envelope.SIGNED_OVERHEAD_BYTES + rng.nextInt(60))
  bytes[0] = VERSION
  bytes[1] = flags
  bytes.fill(0, 54, 66)
  bytes[61] = 1 + rng.nextInt(200)
  bytes[65] = 1 + rng.nextInt(3)
  return bytes
}

/** The first two bytes of an input are the flags and the count of a header; the rest is the plaintext. */
export const contents: Decoder = {
  name: "contents",
  about: "plaintexts of envelopes: batches and extensions",
  generate: (rng) => {
    const messages = Array.from({ length: 2 + rng.nextInt(5) }, () => randomBytes(rng, rng.nextInt(60)))
    return Uint8Array.of(Envelope.Flag.batch, messages.length, ...Plaintext.batchPlaintext(messages))
  },
  decode: (bytes) => {
    const [flags = 0, count = 0] = bytes
    const read = Plaintext.readContents(bytes.subarray(2), flags, count)
    if (read === undefined) return { _tag: "refused", kind: `refused ${flags & 0x3f}` }
    return {
      _tag: "value",
      kind: `${flags & 0x3f} ${read.extension === undefined} ${magnitude(read.messages.length)}`,
      again: () => {
        const isBatch = (flags & Envelope.Flag.batch) !== 0 && (flags & Envelope.Flag.last) === 0
        const plain = isBatch ? Plaintext.batchPlaintext(read.messages) : (read.messages[0] ?? new Uint8Array(0))
        const whole = read.extension === undefined ? plain : Plaintext.withExtension(read.extension, plain)
        return sameBytes(whole, bytes.subarray(2)) ? undefined : "the contents are not the same"
      },
    }
  },
}

export const envelope: Decoder = {
  name: "envelope",
  about: "the form of envelopes",
  generate: envelopeBytes,
  decode: (bytes) => {
    const problems = (["swarm", "neighbors"] as const).map((scope) => Envelope.checkForm(bytes, scope))
    return {
      _tag: "value",
      kind: problems.map((problem) => problem ?? "form").join(" "),
      again: () => {
        // One scope at most: all nodes agree on what an envelope is.
        const fits = problems.filter((problem) => problem === undefined).length
        if (fits > 1) return "it fits both scopes"
        if (fits === 0) return undefined
        const [first, last] = [Envelope.seq(bytes), Envelope.lastSeq(bytes)]
        return first >= 1 && last >= first && last <= Envelope.MAX_SEQ && Envelope.index(bytes) < Envelope.count(bytes)
          ? undefined
          : "its numbers are out of range"
      },
    }
  },
}
