/**
 * Checks notes of presence and whispers against `presence.json`, which interop/members/presence.py made from the text of PROTOCOL.md.
 */
import { Bytes } from "@topic-tracker/common"
import { Crypto, type CryptoService } from "@topic-tracker/crypto"
import { Note } from "@topic-tracker/crypto/members"
import {
  decodeHere,
  decodeSuspect,
  decodeWhisper,
  encodeHere,
  encodeSuspect,
  encodeWhisper,
  NoteKind,
  type Root,
  type Whisper,
} from "@topic-tracker/presence/wire"
import { Effect, Redacted, Schema } from "effect"
import { caseNotes, failedChecks, HexText, type VectorCheck } from "./VectorReport.ts"

const NoteCase = Schema.Struct({
  name: Schema.String,
  author_seed: HexText,
  author: HexText,
  kind: Schema.Int,
  stamp: Schema.Int,
  body: HexText,
  here: Schema.optionalKey(Schema.Struct({ since: Schema.Int, ttl_minutes: Schema.Int, state: HexText })),
  accused: Schema.optionalKey(Schema.Array(Schema.Struct({ member: HexText, stamp: Schema.Int }))),
  valid: Schema.Boolean,
  bytes: HexText,
})

const named = { name: Schema.String, bytes: HexText }

const WhisperCase = Schema.Union([
  Schema.Struct({
    digest: Schema.Struct({ flags: Schema.Int, count: Schema.Int, root: HexText }),
    ...named,
  }),
  Schema.Struct({ buckets: Schema.Struct({ bits: Schema.Int, roots: Schema.Array(HexText) }), ...named }),
  Schema.Struct({
    items: Schema.Struct({
      reply: Schema.Boolean,
      bits: Schema.Int,
      buckets: Schema.Array(Schema.Int),
      items: Schema.Array(Schema.Struct({ prefix: HexText, stamp: Schema.Int })),
    }),
    ...named,
  }),
  Schema.Struct({ want: Schema.Array(HexText), ...named }),
  Schema.Struct({ notes: Schema.Array(HexText), ...named }),
  Schema.Struct({ pull: HexText, ...named }),
  Schema.Struct({ page: Schema.Struct({ last: Schema.Boolean, notes: Schema.Array(HexText) }), ...named }),
])

const PresenceFile = Schema.Struct({
  gossip_topic: HexText,
  notes: Schema.Array(NoteCase),
  malformed_bodies: Schema.Array(Schema.Struct({ kind: Schema.Int, body: HexText })),
  whispers: Schema.Array(WhisperCase),
  malformed_whispers: Schema.Array(HexText),
})

/** Checks every case of `presence.json`: notes and whispers are made and read as it says, malformed ones are refused. */
export const presenceVectors: VectorCheck = Effect.fnUntraced(function* (json) {
  const file = yield* Schema.decodeUnknownEffect(PresenceFile)(json)
  const crypto = yield* Crypto
  const topic = Bytes.fromHex(file.gossip_topic)
  const { note, report } = caseNotes("presence")
  for (const each of file.notes) note(`note "${each.name}"`, checkNote(crypto, topic, each))
  for (const { body, kind } of file.malformed_bodies) {
    const read = (kind === NoteKind.here ? decodeHere : decodeSuspect)(Bytes.fromHex(body))
    note(`body ${body.slice(0, 40)}`, failedChecks({ refused: read === undefined }))
  }
  for (const each of file.whispers) {
    const whisper = whisperOf(each)
    const checks = {
      encoding: Bytes.toHex(encodeWhisper(whisper)) === each.bytes,
      decoding: show(decodeWhisper(Bytes.fromHex(each.bytes))) === show(whisper),
    }
    note(`whisper "${each.name}"`, failedChecks(checks))
  }
  for (const bytes of file.malformed_whispers) {
    const read = decodeWhisper(Bytes.fromHex(bytes))
    note(`whisper ${bytes.slice(0, 40)}`, failedChecks({ refused: read === undefined }))
  }
  return report()
})

const checkNote = (crypto: CryptoService, topic: Uint8Array, expected: typeof NoteCase.Type): ReadonlyArray<string> => {
  const bytes = Bytes.fromHex(expected.bytes)
  const { kind, stamp } = expected
  const isValid = Note.isNote(bytes) && Note.verify(crypto, topic, bytes)
  if (!expected.valid) return failedChecks({ "not valid": !isValid })
  const body = bodyOf(expected)
  const author = crypto.signingKey(Redacted.make(Bytes.fromHex(expected.author_seed)))
  const here = kind === NoteKind.here ? decodeHere(Note.body(bytes)) : undefined
  const accused = kind === NoteKind.suspect ? decodeSuspect(Note.body(bytes)) : undefined
  return failedChecks({
    valid: isValid,
    kind: Note.kind(bytes) === kind,
    author: Bytes.toHex(Note.author(bytes)) === expected.author,
    stamp: Note.stamp(bytes) === stamp,
    body: Bytes.toHex(body) === expected.body,
    "made again": Bytes.toHex(Note.sign(crypto, topic, author, { kind, stamp, body })) === expected.bytes,
    here:
      show(here && { since: here.since, ttl_minutes: here.ttlMinutes, state: here.state }) ===
      show(expected.here && { ...expected.here, state: Bytes.fromHex(expected.here.state) }),
    accused: show(accused) === show(expected.accused),
  })
}

const bodyOf = ({ accused, here }: typeof NoteCase.Type): Uint8Array => {
  if (here !== undefined) {
    return encodeHere({ since: here.since, ttlMinutes: here.ttl_minutes, state: Bytes.fromHex(here.state) })
  }
  if (accused === undefined) return new Uint8Array(0)
  return encodeSuspect(accused.map(({ member, stamp }) => ({ id: Bytes.fromHex(member), stamp })))
}

const whisperOf = (each: typeof WhisperCase.Type): Whisper => {
  if ("digest" in each) return { _tag: "Digest", ...each.digest, root: rootOf(each.digest.root) }
  if ("buckets" in each) return { _tag: "Buckets", bits: each.buckets.bits, roots: each.buckets.roots.map(rootOf) }
  if ("items" in each) {
    const { bits, buckets, items, reply } = each.items
    return { _tag: "Items", isReply: reply, bits, buckets, items }
  }
  if ("want" in each) return { _tag: "Want", prefixes: each.want }
  if ("notes" in each) return { _tag: "Notes", notes: each.notes.map(Bytes.fromHex) }
  if ("pull" in each) return { _tag: "Pull", after: each.pull }
  return { _tag: "Page", isLast: each.page.last, notes: each.page.notes.map(Bytes.fromHex) }
}

const rootOf = (hex: string): Root => ({
  high: Number.parseInt(hex.slice(0, 8), 16),
  low: Number.parseInt(hex.slice(8), 16),
})

/** A text that is equal for equal values: keys in order, bytes as hex. */
const show = (value: unknown): string | undefined =>
  JSON.stringify(value, (_, each) => {
    if (each instanceof Uint8Array) return Bytes.toHex(each)
    if (typeof each !== "object" || each === null || Array.isArray(each)) return each
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
