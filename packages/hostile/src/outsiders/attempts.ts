/** The attempts of an outsider that knows the topic's name, the members' ids, recorded bytes, and what of the topic has leaked, but no secret. */
import { createHash, randomBytes } from "node:crypto"
import type { Connection } from "@topic-tracker/gossip"
import * as frames from "../attacker/frames.ts"
import type { MembersWorld } from "./MembersWorld.ts"
import { TOPIC_NAME } from "./MembersWorld.ts"
import { MEMBERS_ALPN, OPEN_ALPN, type Outsider } from "./Outsider.ts"

/** One try. `roll` gives seeded numbers from 0 to `below` - 1. */
export type Attempt = (outsider: Outsider, world: MembersWorld, roll: (below: number) => number) => Promise<void>

const pick = <A>(all: ReadonlyArray<A>, roll: (below: number) => number): A => all[roll(all.length)]!

const dialled = async (
  outsider: Outsider,
  world: MembersWorld,
  roll: (below: number) => number,
  alpn = MEMBERS_ALPN,
): Promise<Connection | undefined> => outsider.dial(pick(world.members, roll).id, alpn)

const header = (topic: Uint8Array): Buffer => frames.frame(topic)
const asks = () => [
  frames.join(),
  frames.neighbor("high"),
  frames.graft(undefined),
  frames.payload(randomBytes(100), 0),
]

const joins =
  (alpn: string, topic: (world: MembersWorld) => Uint8Array): Attempt =>
  async (outsider, world, roll) => {
    const connection = await dialled(outsider, world, roll, alpn)
    if (connection !== undefined) outsider.stream(connection, header(topic(world)), ...asks())
  }

/** m1 with this door tag. */
const m1 = (tag: Uint8Array, minute: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(1, 1, 5), minute, tag, randomBytes(32)])

/** The door messages of 47 and more bytes that a dialler sent: m1, perhaps with m3 after it. */
const recordedM1 = (world: MembersWorld): ReadonlyArray<Buffer> =>
  world.recording.doors.map((chunks) => Buffer.concat(chunks)).filter((bytes) => bytes[0] === 1 && bytes.length >= 80)

const minuteNow = (): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(Math.floor(Date.now() / 60_000))
  return bytes
}

const leakedTag = (world: MembersWorld, roll: (below: number) => number): readonly [tag: Buffer, minute: Buffer] => {
  const recorded = recordedM1(world)
  const bytes = recorded.length === 0 ? m1(randomBytes(8), minuteNow()) : pick(recorded, roll)
  return [bytes.subarray(7, 15), bytes.subarray(3, 7)]
}

/** A door with this m1 and what follows from m2, then frames as if it were open. */
const door =
  (
    first: (world: MembersWorld, roll: (below: number) => number) => Uint8Array,
    third: (m2: Uint8Array, world: MembersWorld, roll: (below: number) => number) => Uint8Array,
  ): Attempt =>
  async (outsider, world, roll) => {
    const connection = await dialled(outsider, world, roll)
    const stream = connection && (await outsider.openBi(connection))
    if (connection === undefined || stream === undefined) return
    outsider.write(stream, first(world, roll))
    const m2 = await outsider.receive(stream)
    if (m2 !== undefined && m2[0] === 2) {
      outsider.write(stream, third(m2, world, roll))
      void outsider.receive(stream)
    }
    outsider.stream(connection, header(world.gossipTopic), ...asks())
  }

/** A recorded stream as it is, or with another author, hop, minute or any byte in a frame. */
const forged = (stream: ReadonlyArray<Uint8Array>, roll: (below: number) => number): ReadonlyArray<Uint8Array> =>
  stream.map((chunk, index) => {
    if (index === 0 || roll(2) === 0) return chunk
    const bytes = Uint8Array.from(chunk)
    bytes[roll(bytes.length)]! ^= 1 + roll(255)
    return bytes
  })

const mac = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.of(3), bytes])

/** A node of ours with what the outsider has. */
const ownNode =
  (name: string, secret: string) =>
  (world: MembersWorld): ReturnType<MembersWorld["node"]> =>
    world.node(name, secret)

export const guesses = {
  "another secret": ownNode(TOPIC_NAME, "a guess"),
  "no secret": ownNode(TOPIC_NAME, ""),
  "another name": ownNode("members  only", "our secret of many random bytes"),
} as const

/** The tries of bare endpoints, by name. */
export const attempts: Readonly<Record<string, Attempt>> = {
  "joins the open topic": joins(OPEN_ALPN, () => frames.topicId(TOPIC_NAME)),
  "joins the leaked id": joins(OPEN_ALPN, (world) => world.gossipTopic),
  "frames without a door": joins(MEMBERS_ALPN, (world) => world.gossipTopic),
  "a random tag": door(
    () => m1(randomBytes(8), minuteNow()),
    () => mac(randomBytes(32)),
  ),
  "the leaked tag, a random proof": door(
    (world, roll) => m1(...leakedTag(world, roll)),
    () => mac(randomBytes(32)),
  ),
  "the leaked tag, m2's nonce as proof": door(
    (world, roll) => m1(...leakedTag(world, roll)),
    (m2) => mac(m2.subarray(6, 38)),
  ),
  "the leaked tag, a hash without secret": door(
    (world, roll) => m1(...leakedTag(world, roll)),
    (m2, world) => mac(createHash("sha256").update(world.gossipTopic).update(m2).digest()),
  ),
  "a door replayed": door(
    (world, roll) => (recordedM1(world).length === 0 ? randomBytes(47) : pick(recordedM1(world), roll)).subarray(0, 47),
    (_m2, world, roll) =>
      (recordedM1(world).length === 0 ? randomBytes(80) : pick(recordedM1(world), roll)).subarray(47, 80),
  ),
  "an old minute": door(
    (world, roll) => {
      const [tag, minute] = leakedTag(world, roll)
      const old = Buffer.from(minute)
      old.writeUInt32BE(old.readUInt32BE() - 1 - roll(100))
      return m1(tag, old)
    },
    () => mac(randomBytes(32)),
  ),
  "recorded frames replayed or forged": async (outsider, world, roll) => {
    for (const alpn of [OPEN_ALPN, MEMBERS_ALPN]) {
      const connection = await dialled(outsider, world, roll, alpn)
      if (connection === undefined) continue
      const stream = forged(pick(world.recording.streams, roll), roll)
      outsider.stream(connection, ...stream)
      outsider.stream(connection, header(world.gossipTopic), frames.join(), ...stream.slice(1))
    }
  },
  "silence, or far too much": async (outsider, world, roll) => {
    const connection = await dialled(outsider, world, roll)
    const stream = connection && (await outsider.openBi(connection))
    if (stream === undefined) return
    if (roll(2) === 0) outsider.write(stream, Buffer.of(1))
    else outsider.write(stream, randomBytes(100_000))
  },
  "a flipped bit of a door": door(
    (world, roll) => {
      const bytes = Buffer.from(recordedM1(world)[0] ?? randomBytes(80)).subarray(0, 47)
      bytes[roll(47)]! ^= 1 << roll(8)
      return bytes
    },
    () => mac(randomBytes(32)),
  ),
  "a member dials it, a random proof": async (outsider, world, roll) => {
    outsider.onDialled = async (connection) => {
      const stream = await outsider.acceptBi(connection)
      const first = stream && (await outsider.receive(stream))
      if (stream === undefined || first === undefined) return
      outsider.write(stream, Buffer.concat([Buffer.of(2, 5), first.subarray(3, 7), randomBytes(32)]))
      await outsider.receive(stream)
      outsider.write(stream, Buffer.concat([Buffer.of(4), randomBytes(32)]))
      outsider.stream(connection, header(world.gossipTopic), ...asks())
    }
    await lure(outsider, world, roll)
  },
  "a member dials it, its own proof comes back": async (outsider, world, roll) => {
    outsider.onDialled = async (connection) => {
      const stream = await outsider.acceptBi(connection)
      const first = stream && (await outsider.receive(stream))
      if (stream === undefined || first === undefined) return
      outsider.write(stream, Buffer.concat([Buffer.of(2, 5), first.subarray(3, 7), first.subarray(15, 47)]))
      const third = await outsider.receive(stream)
      if (third !== undefined) outsider.write(stream, Buffer.concat([Buffer.of(4), third.subarray(1)]))
      outsider.stream(connection, header(world.gossipTopic), ...asks())
    }
    await lure(outsider, world, roll)
  },
  "between two members": async (outsider, world, roll) => {
    outsider.onDialled = async (from) => {
      const to = await dialled(outsider, world, roll)
      const inner = await outsider.acceptBi(from)
      const outer = to && (await outsider.openBi(to))
      if (inner === undefined || outer === undefined) return
      for (const [source, target] of [
        [inner, outer],
        [outer, inner],
        [inner, outer],
        [outer, inner],
      ] as const) {
        const bytes = await outsider.receive(source)
        if (bytes === undefined) return
        outsider.write(target, bytes)
      }
      outsider.stream(from, header(world.gossipTopic), ...asks())
    }
    await lure(outsider, world, roll)
  },
  "five connections at once": async (outsider, world, roll) => {
    for (const { id } of world.members) {
      const connection = await outsider.dial(id, MEMBERS_ALPN)
      const stream = connection && (await outsider.openBi(connection))
      if (connection === undefined || stream === undefined) continue
      outsider.write(stream, m1(...leakedTag(world, roll)))
      void outsider.receive(stream)
      outsider.stream(connection, header(world.gossipTopic), ...asks())
    }
  },
  "records name it, and it refuses": async (outsider, world, roll) => {
    outsider.onDialled = async (connection) => {
      const stream = await outsider.acceptBi(connection)
      if (stream !== undefined) outsider.write(stream, Buffer.of(0, 1 + roll(7)))
      outsider.stream(connection, header(world.gossipTopic), ...asks())
    }
    await lure(outsider, world, roll)
  },
}

/** A member believes that the outsider is one, as after a forged record. */
const lure = (outsider: Outsider, world: MembersWorld, roll: (below: number) => number): Promise<void> =>
  world.lure(pick(world.members, roll), outsider.id)
