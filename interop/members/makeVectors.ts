/**
 * Writes the test vectors of members-only topics, packages/core/test/vectors/members.json. Everything in them is fixed, so a second run gives
 * the same file. Run it with
 * `node --import=./scripts/start.mjs --conditions=@topic-tracker/source interop/members/makeVectors.ts` after a change of the format;
 * check.py, an implementation of its own, must agree with the result.
 */
import { writeFileSync } from "node:fs"
import { Bytes } from "@topic-tracker/common"
import { type InvitePeer, make, parseAt } from "@topic-tracker/core/Invite"
import { Crypto, EndpointId, initialSecretHash, SecretRotation, TopicId } from "@topic-tracker/crypto"
import {
  type ChannelMode,
  checkHeader,
  Door,
  Envelope,
  EpochWindow,
  inviteChecksum,
  MembersKeys,
  openEnvelope,
  Plaintext,
} from "@topic-tracker/crypto/members"
import { Protocol } from "@topic-tracker/gossip"
import { answerExtension, wantedExtension } from "@topic-tracker/gossip/members"
import { Effect, Redacted, Result } from "effect"
import * as z32 from "z32"

const { Flag } = Envelope
const MINUTE = 29_999_999
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const filled = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)
const hex = Bytes.toHex
const SIGNED: ChannelMode = { group: false, neighborsOnly: false }
const GROUP: ChannelMode = { group: true, neighborsOnly: false }
const NEIGHBORS: ChannelMode = { group: false, neighborsOnly: true }
const GROUP_NEIGHBORS: ChannelMode = { group: true, neighborsOnly: true }

/** Topic, secret, minute; and the seed of a rotation that is not the default one. */
const TUPLES: ReadonlyArray<readonly [topic: string, secret: string, minute: number, seed?: number]> = [
  ["my topic", "our secret", MINUTE],
  ["my topic", "our secret", MINUTE + 1],
  ["my topic", "another secret", MINUTE],
  ["another topic", "our secret", MINUTE],
  ["", "", 0],
  ["Grüße, 世界", "\u0000\u0001 secret with any bytes \u007f", 2 ** 32 - 1],
  ["my topic", "our secret", MINUTE, 0x55],
  ["another topic", "our secret", MINUTE, 0x55],
]

const program = Effect.gen(function* () {
  const crypto = yield* Crypto
  const rotation = yield* SecretRotation
  const keyOf = (fill: number) => crypto.signingKey(Redacted.make(filled(32, fill)))

  const topicOf = (name: string, secret: string) => {
    const topic = TopicId.fromName(name)
    const secretHash = initialSecretHash(Redacted.make(secret))
    const keys = new MembersKeys(crypto, topic, secretHash)
    const seedOf = (minute: number) =>
      rotation.encryptionSeed({ topic, unixMinute: BigInt(minute), initialSecretHash: secretHash })
    return { keys, seedOf }
  }

  const author = keyOf(7)
  const session = filled(8, 9)
  const keys: Array<unknown> = []
  for (const [name, secret, minute, fill] of TUPLES) {
    const topic = topicOf(name, secret)
    const seed = fill === undefined ? yield* topic.seedOf(minute) : Redacted.make(filled(32, fill))
    const epoch = topic.keys.epoch(minute, seed)
    const channels = [
      { name: "chat", mode: 0, tag: hex(topic.keys.channelTag("chat", SIGNED)) },
      { name: "chat", mode: 1, tag: hex(topic.keys.channelTag("chat", GROUP)) },
      { name: "chat", mode: 2, tag: hex(topic.keys.channelTag("chat", NEIGHBORS)) },
      { name: "chat", mode: 3, tag: hex(topic.keys.channelTag("chat", GROUP_NEIGHBORS)) },
      { name: "", mode: 0, tag: hex(topic.keys.channelTag("")) },
      { name: "é".repeat(32), mode: 0, tag: hex(topic.keys.channelTag("é".repeat(32))) },
    ]
    keys.push({
      topic_name: name,
      secret,
      minute,
      default_rotation: fill === undefined,
      rotation_seed: hex(Redacted.value(seed)),
      gossip_topic: topic.keys.gossipTopic.hex,
      door_tag: hex(epoch.doorTag),
      door_key: hex(Redacted.value(epoch.door)),
      channels,
      author: hex(author.publicKey),
      session: hex(session),
      seal_key: hex(epoch.sealKey(Bytes.concat(author.publicKey, session, topic.keys.channelTag("chat")))),
    })
  }

  const main = topicOf("my topic", "our secret")
  const gossipTopic = main.keys.gossipTopic.bytes
  const epochs = new Map<number, ReturnType<MembersKeys["epoch"]>>()
  const window = new EpochWindow()
  for (const minute of window.setMinute(MINUTE)) window.add(main.keys.epoch(minute, yield* main.seedOf(minute)))
  for (let minute = MINUTE - 13; minute <= MINUTE + 13; minute++) {
    epochs.set(minute, main.keys.epoch(minute, yield* main.seedOf(minute)))
  }
  const epochOf = (minute: number) => epochs.get(minute)!

  const doorCase = (options: {
    readonly name: string
    readonly dialler: number
    readonly acceptor: number
    /** What the proofs are made with, where it is not what the case says. */
    readonly wrong?: Partial<Door.DoorTranscript> & { readonly minute?: number; readonly swapRoles?: boolean }
    readonly flags?: readonly [number, number]
  }) => {
    const [flagsD, flagsA] = options.flags ?? [1, 1]
    const dialler = author.publicKey
    const acceptor = filled(32, 2)
    const m1 = Door.encodeM1({
      flags: flagsD,
      epoch: options.dialler,
      doorTag: epochOf(options.dialler).doorTag,
      nonce: filled(32, 3),
    })
    const m2 = Door.encodeM2({ flags: flagsA, epoch: options.acceptor, nonce: filled(32, 4) })
    const { minute, swapRoles, ...wrong } = options.wrong ?? {}
    const transcript = { m1, m2, dialler, acceptor, gossipTopic, ...wrong }
    const epoch = epochOf(minute ?? Math.max(options.dialler, options.acceptor))
    let m3 = Door.encodeM3(epoch, transcript)
    let m4 = Door.encodeM4(epoch, transcript, m3)
    if (swapRoles === true)
      [m3, m4] = [Bytes.concat(Uint8Array.of(3), m4.subarray(1)), Bytes.concat(Uint8Array.of(4), m3.subarray(1))]
    return {
      name: options.name,
      topic_name: "my topic",
      secret: "our secret",
      dialler: hex(dialler),
      acceptor: hex(acceptor),
      m1: hex(m1),
      m2: hex(m2),
      m3: hex(m3),
      m4: hex(m4),
      valid: options.wrong === undefined,
    }
  }
  const doors = [
    doorCase({ name: "both in one minute", dialler: MINUTE, acceptor: MINUTE }),
    doorCase({ name: "the dialler is 10 minutes behind", dialler: MINUTE - 10, acceptor: MINUTE }),
    doorCase({ name: "the dialler is 10 minutes in front", dialler: MINUTE + 10, acceptor: MINUTE }),
    doorCase({ name: "all flags, known or not", dialler: MINUTE, acceptor: MINUTE, flags: [0xff, 5] }),
    doorCase({ name: "the roles are exchanged", dialler: MINUTE, acceptor: MINUTE, wrong: { swapRoles: true } }),
    doorCase({
      name: "another id of the acceptor",
      dialler: MINUTE,
      acceptor: MINUTE,
      wrong: { acceptor: filled(32, 1) },
    }),
    doorCase({
      name: "the key of the earlier minute",
      dialler: MINUTE - 1,
      acceptor: MINUTE,
      wrong: { minute: MINUTE - 1 },
    }),
    doorCase({
      name: "another gossip topic",
      dialler: MINUTE,
      acceptor: MINUTE,
      wrong: { gossipTopic: filled(32, 6) },
    }),
  ]

  type Input = Partial<Envelope.EnvelopeInput> & { readonly channelName?: string }
  const sealed = (input: Input): Uint8Array => {
    const mode = input.mode ?? SIGNED
    return Envelope.seal(crypto, {
      keys: epochOf(MINUTE),
      gossipTopic,
      author,
      session,
      seq: 1,
      plaintext: utf8("hello"),
      ...input,
      mode,
      channel: input.channel ?? main.keys.channelTag(input.channelName ?? "chat", mode),
    })
  }
  const envelopeCase = (name: string, envelope: Uint8Array, scope: Envelope.EnvelopeScope = "swarm") => {
    const early = checkHeader(window, envelope, scope)
    const opened = early === undefined ? openEnvelope(crypto, window, gossipTopic, envelope) : early.step
    const accepted = typeof opened !== "string"
    return {
      name,
      topic_name: "my topic",
      secret: "our secret",
      own_minute: MINUTE,
      scope,
      bytes: hex(envelope),
      verdict: accepted ? "accept" : (early?.verdict ?? "reject"),
      step: accepted ? null : opened,
      ...(accepted && {
        plaintext: hex(opened.plaintext),
        extension: opened.contents?.extension === undefined ? null : hex(opened.contents.extension),
        messages: opened.contents === undefined ? null : opened.contents.messages.map(hex),
      }),
    }
  }
  const good = (name: string, input: Input, scope: Envelope.EnvelopeScope = "swarm") =>
    envelopeCase(name, sealed(input), scope)
  const batch = (...messages: ReadonlyArray<string>) => ({
    flags: Flag.batch,
    count: messages.length,
    plaintext: Plaintext.batchPlaintext(messages.map(utf8)),
  })
  const big = filled(3909 * 2 + 100, 0x61)
  const parts = Plaintext.splitParts(big, 3909)
  const extended = Plaintext.withExtension(utf8("trace"), utf8("hello"))

  const envelopes = [
    good("signed", {}),
    good("signed, 0 bytes", { plaintext: utf8("") }),
    good("signed, full", { plaintext: filled(3909, 0x61) }),
    good("group", { mode: GROUP }),
    good("group, 0 bytes", { mode: GROUP, plaintext: utf8("") }),
    good("group, full", { mode: GROUP, plaintext: filled(3973, 0x61) }),
    good("neighbours only", { mode: NEIGHBORS }, "neighbors"),
    good("neighbours only, group", { mode: GROUP_NEIGHBORS }, "neighbors"),
    good("batch of 2", batch("one", "two")),
    good("batch of 100 with empty messages", batch(...Array.from({ length: 100 }, (_, i) => "x".repeat(i % 3)))),
    good("batch, group", { mode: GROUP, ...batch("one", "two", "three") }),
    ...parts.map((plaintext, index) =>
      good(`part ${index} of 3`, { flags: Flag.part, index, count: 3, seq: 2, plaintext }),
    ),
    good("acknowledge", { flags: Flag.acknowledge }),
    good("acknowledgement by 300 members wanted", {
      flags: Flag.acknowledge | Flag.extension,
      plaintext: Plaintext.withExtension(wantedExtension(300), utf8("hello")),
    }),
    good("acknowledgement", {
      channelName: "",
      flags: Flag.extension,
      plaintext: Plaintext.withExtension(
        answerExtension(Envelope.stream(sealed({ author: keyOf(8), seq: 2 ** 32 + 5 })), 2 ** 32 + 5),
        utf8(""),
      ),
    }),
    good("last of the session", { flags: Flag.last, plaintext: utf8(""), seq: 9 }),
    good("extension", { flags: Flag.extension, plaintext: extended }),
    good("extension of a batch", {
      ...batch("one", "two"),
      flags: Flag.batch | Flag.extension,
      plaintext: Plaintext.withExtension(utf8(""), batch("one", "two").plaintext),
    }),
    good("extension of the last", {
      flags: Flag.last | Flag.extension,
      plaintext: Plaintext.withExtension(utf8("trace"), utf8("")),
    }),
    good("seq of 2^32", { seq: 2 ** 32 }),
    good("seq of 2^53 - 1", { seq: Number.MAX_SAFE_INTEGER }),
    good("3 minutes ago", { keys: epochOf(MINUTE - 3) }),
    good("in 12 minutes", { keys: epochOf(MINUTE + 12) }),
    good("the channel without a name", { channelName: "" }),
  ]

  const changed = (change: (bytes: Uint8Array) => void, input: Input = {}): Uint8Array => {
    const bytes = sealed(input)
    change(bytes)
    return bytes
  }
  /** Signs the bytes as they are, by a key. */
  const signAgain = (bytes: Uint8Array, fill = 7, topic = gossipTopic): Uint8Array => {
    const end = bytes.length - 64
    const message = Bytes.concat(utf8("topic-tracker/members/1 envelope"), topic, bytes.subarray(0, end))
    bytes.set(crypto.sign(keyOf(fill), message), end)
    return bytes
  }
  const xor = (at: number, bits: number) => (bytes: Uint8Array) => {
    bytes[at < 0 ? bytes.length + at : at]! ^= bits
  }
  const smallOrder = sealed({
    author: { publicKey: Uint8Array.of(1, ...filled(31, 0)), seed: Redacted.make(filled(32, 7)) },
  })
  smallOrder.set(Uint8Array.of(1, ...filled(63, 0)), smallOrder.length - 64)
  const bigS = sealed({})
  addGroupOrder(bigS.subarray(bigS.length - 32))

  const bad = [
    envelopeCase("an empty content", new Uint8Array(0)),
    envelopeCase("a version that does not exist yet", changed(xor(0, 3))),
    envelopeCase("only a version", Uint8Array.of(1)),
    envelopeCase("too short by one byte", sealed({ plaintext: utf8("") }).subarray(0, 145)),
    envelopeCase("flag 80", changed(xor(1, 0x80))),
    envelopeCase("neighbours only, but spread to the swarm", sealed({ mode: NEIGHBORS })),
    envelopeCase("for the swarm, but sent to neighbours", sealed({}), "neighbors"),
    envelopeCase("signed in a group channel", signAgain(sealed({ channel: main.keys.channelTag("chat", GROUP) }))),
    envelopeCase("the signature is taken away", changed(xor(1, Flag.signed)).subarray(0, 87)),
    envelopeCase("a batch and a part", sealed({ flags: Flag.batch | Flag.part, count: 2 })),
    envelopeCase("a batch and the last", sealed({ flags: Flag.batch | Flag.last, count: 2 })),
    envelopeCase("seq 0", sealed({ seq: 0 })),
    envelopeCase("seq of 2^53", signAgain(changed(xor(55, 0x20), { seq: Number.MAX_SAFE_INTEGER }))),
    envelopeCase("a batch beyond the highest seq", sealed({ seq: Number.MAX_SAFE_INTEGER, ...batch("one", "two") })),
    envelopeCase("a batch of one", sealed({ ...batch("one"), count: 1 })),
    envelopeCase("one part", sealed({ flags: Flag.part })),
    envelopeCase("a part after the last", sealed({ flags: Flag.part, index: 3, count: 3 })),
    envelopeCase("an empty part", sealed({ flags: Flag.part, index: 2, count: 3, plaintext: utf8("") })),
    envelopeCase("parts of more than 16 MiB", sealed({ flags: Flag.part, count: 65_535, plaintext: filled(257, 1) })),
    envelopeCase("a count of 2 without a flag", sealed({ count: 2 })),
    envelopeCase("4 minutes ago", sealed({ keys: epochOf(MINUTE - 4) })),
    envelopeCase("in 13 minutes", sealed({ keys: epochOf(MINUTE + 13) })),
    envelopeCase("the epoch is another one", signAgain(changed(xor(5, 1)))),
    envelopeCase("a bit of the ciphertext", signAgain(changed(xor(66, 1)))),
    envelopeCase("a bit of the tag", signAgain(changed(xor(-65, 1)))),
    envelopeCase("another session", signAgain(changed(xor(38, 1)))),
    envelopeCase("another seq", signAgain(changed(xor(61, 1)))),
    envelopeCase(
      "the ciphertext of another author, signed as one's own",
      signAgain(
        changed((bytes) => bytes.set(keyOf(8).publicKey, 6)),
        8,
      ),
    ),
    envelopeCase("a batch whose header counts one more", sealed({ ...batch("one", "two"), count: 3 })),
    envelopeCase(
      "a batch whose last length is too long",
      sealed({ ...batch("one", "two"), plaintext: batch("one", "two").plaintext.subarray(0, 9) }),
    ),
    envelopeCase("the last with a message", sealed({ flags: Flag.last })),
    envelopeCase(
      "an extension that is too long",
      sealed({ flags: Flag.extension, plaintext: Uint8Array.of(0, 4, 1, 2, 3) }),
    ),
    envelopeCase("a bit of the signature", changed(xor(-1, 1))),
    envelopeCase("a signature of another key", signAgain(sealed({}), 8)),
    envelopeCase("a signature for another topic", signAgain(sealed({}), 7, filled(32, 1))),
    envelopeCase("a signature with an S above the group order", bigS),
    envelopeCase("an author of small order", smallOrder),
  ]

  const peers: ReadonlyArray<InvitePeer> = [
    {
      id: EndpointId.fromBytes(author.publicKey),
      address: { relayUrl: "https://relay.example/", direct: ["192.0.2.1:4433"] },
    },
    {
      id: EndpointId.fromBytes(filled(32, 2)),
      address: { relayUrl: undefined, direct: ["192.0.2.2:1", "[2001:db8::1]:65535"] },
    },
  ]
  const secret = Redacted.make("our secret")
  const ring = { generation: 2, from: MINUTE, secret: Redacted.make(filled(32, 5)) }
  const text = (options: Parameters<typeof make>[0]) => Redacted.value(Result.getOrThrow(make(options)))
  const good1 = text({ topic: "my topic", secret, peers })
  const inviteCase = (name: string, text: string) => {
    const read = parseAt(text, MINUTE * 60_000)
    if (Result.isFailure(read)) return { name, text, now: MINUTE * 60, reason: read.failure.reason }
    const { access, expires, peers, ring, secret, topic } = read.success
    return {
      name,
      text,
      now: MINUTE * 60,
      topic_name: typeof topic === "string" ? topic : null,
      topic_id: typeof topic === "string" ? null : topic.hex,
      secret: hex(Redacted.value(secret)),
      access,
      expires: expires === undefined ? null : expires / 1000,
      ring:
        ring === undefined
          ? null
          : { generation: ring.generation, from: ring.from, secret: hex(Redacted.value(ring.secret)) },
      peers: peers.map(({ address, id }) => ({ id, data: hex(Protocol.encodePeerData(address)) })),
    }
  }
  const manyPeers = Array.from({ length: 4 }, (_, i) => ({
    id: EndpointId.fromBytes(filled(32, i)),
    address: peers[0]!.address,
  }))
  const withBody = (body: Uint8Array) => `tt1${z32.encode(Bytes.concat(body, inviteChecksum(body)))}`
  const bodyOf = (text: string) => z32.decode(text.slice(3)).subarray(0, -4)
  const invitations = [
    inviteCase("a name, a secret, two peers", good1),
    inviteCase("no peers", text({ topic: "my topic", secret })),
    inviteCase("in capitals and groups", good1.toUpperCase().replace(/(.{4})/g, "$1 ")),
    inviteCase("a topic id", text({ topic: TopicId.fromBytes(filled(32, 9)), secret })),
    inviteCase("an open topic", text({ topic: "my topic", secret, access: "open" })),
    inviteCase("an expiry", text({ topic: "my topic", secret, expires: MINUTE * 60_000 + 1_000 })),
    inviteCase("a rotated secret", text({ topic: "my topic", secret, ring, peers })),
    inviteCase(
      "four peers, bytes for a later version",
      withBody(Bytes.concat(bodyOf(text({ topic: "世界", secret, peers: manyPeers })), filled(3, 1))),
    ),
  ]
  const badInvitations = [
    inviteCase("no prefix", good1.slice(3)),
    inviteCase("a character outside of the alphabet", `${good1.slice(0, 20)}l${good1.slice(21)}`),
    inviteCase("a wrong character", `${good1.slice(0, 20)}${good1[20] === "y" ? "b" : "y"}${good1.slice(21)}`),
    inviteCase("a missing character", good1.slice(0, -1)),
    inviteCase("over 700 characters", `tt1${"y".repeat(698)}`),
    inviteCase("a later version", withBody(Bytes.concat(Uint8Array.of(2), bodyOf(good1).subarray(1)))),
    inviteCase("expired", text({ topic: "my topic", secret, expires: MINUTE * 60_000 })),
    inviteCase("a content that ends early", withBody(bodyOf(good1).subarray(0, 30))),
  ]

  const file = new URL("../../packages/core/test/vectors/members.json", import.meta.url)
  const json = { keys, doors, envelopes, bad_envelopes: bad, invitations, bad_invitations: badInvitations }
  writeFileSync(file, `${JSON.stringify(json, null, 1)}\n`)
  const unexpected = [
    ...envelopes.filter(({ verdict }) => verdict !== "accept"),
    ...bad.filter(({ verdict }) => verdict === "accept"),
    ...invitations.filter((invite) => "reason" in invite),
    ...badInvitations.filter((invite) => !("reason" in invite)),
  ]
  if (unexpected.length > 0) throw new Error(`unexpected: ${unexpected.map(({ name }) => name).join(", ")}`)
  const { log } = console
  log(
    `${keys.length} keys, ${doors.length} doors, ${envelopes.length} + ${bad.length} envelopes, ${invitations.length} + ${badInvitations.length} invitations`,
  )
})

/** Adds the order of the group to the little-endian number: the same scalar in another form. */
function addGroupOrder(bytes: Uint8Array): void {
  let rest = 2n ** 252n + 27742317777372353535851937790883648493n
  let carry = 0
  for (let i = 0; i < bytes.length; i++) {
    const sum = bytes[i]! + Number(rest & 0xffn) + carry
    bytes[i] = sum & 0xff
    carry = sum >>> 8
    rest >>= 8n
  }
}

Effect.runSync(program.pipe(Effect.provide(SecretRotation.layer()), Effect.provide(Crypto.layer())))
