/**
 * Members of a topic on a network in memory who speak all the time, and what an outsider can get hold of: everything that goes over one
 * member's connections is recorded, as if QUIC did not hide it.
 */
import { Crypto, type EndpointId, Identity, initialSecretHash, SecretRotation, TopicId } from "@topic-tracker/crypto"
import { type Connection, Gossip, GossipTransport, type MembersTopic, type ReceiveStream } from "@topic-tracker/gossip"
import { MemoryNetwork, MemoryTransport } from "@topic-tracker/gossip/testing"
import { Context, Effect, Layer, Redacted, type Scope, Stream } from "effect"

export const TOPIC_NAME = "members only"
const SECRET = "our secret of many random bytes"
/** Each message begins with it: no outsider may ever see it. */
export const PLAINTEXT = "plain words of a member"
const SPEAKERS = 2
const MEMBERS = 5

/** The recorded bytes of the members' connections. */
export class Recording {
  /** The bytes of each one-way stream: the topic and frames. */
  readonly streams: Array<Array<Uint8Array>> = []
  /** The bytes of each door, of one direction. */
  readonly doors: Array<Array<Uint8Array>> = []
}

/** A member, or somebody who takes himself for one. */
export interface MemberNode {
  readonly id: EndpointId.EndpointId
  readonly members: MembersTopic
}

export interface MembersWorld {
  readonly network: MemoryNetwork
  readonly members: ReadonlyArray<MemberNode>
  readonly recording: Recording
  /** The id of the topic in gossip, as if it had leaked. */
  readonly gossipTopic: Uint8Array
  /** A node of ours with another topic name or secret. */
  readonly node: (topic: string, secret: string) => Effect.Effect<MemberNode, never, Scope.Scope>
  /** The member dials the endpoint as one that it takes for a member. */
  readonly lure: (member: MemberNode, endpoint: EndpointId.EndpointId) => Promise<void>
  /** Texts that members delivered and no member said, or twice. */
  readonly wrongDeliveries: () => number
  /** Part of the messages that arrived, of those that were to. */
  readonly honestShare: () => number
}

/** Members that are neighbours of each other; two of them speak, ten times a second. */
export const makeMembersWorld: Effect.Effect<MembersWorld, never, Scope.Scope> = Effect.gen(function* () {
  const network = yield* MemoryNetwork.make()
  const crypto = yield* Effect.provide(Crypto, Crypto.layer())
  const recording = new Recording()

  const build = Effect.fnUntraced(function* (topicName: string, secret: string, isRecorded: boolean) {
    const identity = Identity.layerRandom().pipe(Layer.provide(Crypto.layer()))
    const plain = MemoryTransport.layer(network)
    const transport = isRecorded ? recorded(recording).pipe(Layer.provide(plain)) : plain
    const context = yield* Layer.build(
      Gossip.layer().pipe(Layer.provide(transport), Layer.provideMerge(Layer.fresh(identity)), Layer.orDie),
    )
    const gossip = Context.get(context, Gossip)
    const topic = TopicId.fromName(topicName)
    const secretHash = initialSecretHash(Redacted.make(secret))
    const rotation = yield* Effect.provide(SecretRotation, SecretRotation.layer())
    const author = Context.get(context, Identity).signingKey
    const members = yield* Effect.orDie(gossip.openMembers({ crypto, rotation, author, topic, secretHash }))
    return { id: gossip.endpointId, members }
  })

  const members: Array<MemberNode> = []
  for (let i = 0; i < MEMBERS; i++) members.push(yield* build(TOPIC_NAME, SECRET, i === 0))
  const said = new Map<string, number>()
  let delivered = 0
  let wrong = 0
  const channels = yield* Effect.forEach(members, ({ members }) => members.channel("chat", { capacity: 100_000 }))
  for (const { events } of channels) {
    const heard = new Set<string>()
    yield* Stream.runForEach(events, (event) =>
      Effect.sync(() => {
        if (event._tag !== "Received") return
        const text = new TextDecoder().decode(event.message)
        if (!said.has(text) || heard.has(text)) wrong++
        else delivered++
        heard.add(text)
      }),
    ).pipe(Effect.forkScoped)
  }
  for (const { members: topic } of members.slice(1)) yield* Effect.orDie(topic.gossip.join([members[0]!.id]))
  for (const { members: topic } of members)
    while ((yield* topic.gossip.neighbors).size < MEMBERS - 1) yield* Effect.sleep(20)
  for (let speaker = 0; speaker < SPEAKERS; speaker++) {
    let count = 0
    yield* Effect.gen(function* () {
      for (;;) {
        const text = `${PLAINTEXT} ${speaker} ${count++}`
        said.set(text, Date.now())
        yield* channels[speaker]!.publish([new TextEncoder().encode(text)])
        yield* Effect.sleep(100)
      }
    }).pipe(Effect.ignore, Effect.forkScoped)
  }
  yield* Effect.sleep(500)
  return {
    network,
    members,
    recording,
    gossipTopic: members[0]!.members.gossip.id.bytes,
    node: (topic, secret) => build(topic, secret, false),
    lure: ({ members }, endpoint) => Effect.runPromise(Effect.ignore(members.gossip.join([endpoint]))),
    wrongDeliveries: () => wrong,
    honestShare: () => {
      // The last ones may still be on their way.
      const due = (said.size - SPEAKERS) * (MEMBERS - 1)
      return due <= 0 ? 0 : Math.min(1, delivered / due)
    },
  } satisfies MembersWorld
})

/** The transport below, with everything recorded that is read from it. */
const recorded = (recording: Recording) =>
  Layer.effect(
    GossipTransport,
    Effect.map(GossipTransport, (transport): GossipTransport["Service"] => ({
      ...transport,
      listen: (handler, options) =>
        transport.listen(
          {
            connected: (connection, isDialled) => handler.connected(tapped(connection, recording), isDialled),
            dialFailed: (peer, reason) => handler.dialFailed(peer, reason),
            isNeeded: (peer) => handler.isNeeded?.(peer) ?? true,
          },
          options,
        ),
    })),
  )

const tapped = (connection: Connection, recording: Recording): Connection => ({
  remoteId: connection.remoteId,
  alpn: connection.alpn,
  openStream: (done) => connection.openStream(done),
  acceptStream: (done) =>
    connection.acceptStream((stream) => done(stream && tappedStream(stream, newList(recording.streams)))),
  openBi: (done) =>
    connection.openBi((stream) =>
      done(stream && { send: stream.send, receive: tappedStream(stream.receive, newList(recording.doors)) }),
    ),
  acceptBi: (done) =>
    connection.acceptBi((stream) =>
      done(stream && { send: stream.send, receive: tappedStream(stream.receive, newList(recording.doors)) }),
    ),
  limitStreams: (limits) => connection.limitStreams(limits),
  onClosed: (listener) => connection.onClosed(listener),
  close: () => connection.close(),
})

const newList = (lists: Array<Array<Uint8Array>>): Array<Uint8Array> => {
  const list: Array<Uint8Array> = []
  lists.push(list)
  return list
}

const tappedStream = (stream: ReceiveStream, list: Array<Uint8Array>): ReceiveStream => ({
  read: (done) =>
    stream.read((bytes, code) => {
      if (bytes !== undefined) list.push(bytes.slice())
      done(bytes, code)
    }),
  stop: (code) => stream.stop(code),
})
