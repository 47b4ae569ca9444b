/** The three ways to say something in a topic that the channel benchmark compares, at both ends. */
import { type Channel, Topic, TopicTracker } from "@topic-tracker/core"
import { Effect, Redacted, Schema, Stream } from "effect"

const SIZE = 100
const secret = Redacted.make(new Uint8Array(32).fill(5))
/** Messages and answers, in both channels of a way. */
const CAPACITY = 8_192
const reading = { capacity: CAPACITY, whenSlow: "backpressure" } as const

/** Messages in one direction, numbers of arrivals in the other. */
export interface Line {
  readonly name: string
  /** Sends one message of 100 bytes. */
  readonly send: Effect.Effect<unknown, unknown>
  /** Answers with the number of messages that arrived together. */
  readonly answer: (count: number) => Effect.Effect<unknown, unknown>
  /** The number of messages in each batch that arrives. */
  readonly messages: Stream.Stream<number>
  readonly answers: Stream.Stream<number>
}

/** A node on the DHT testnet at the port, with a line for each way. Waits until both topics are joined. */
export const makeLines = Effect.fnUntraced(function* (port: number) {
  const open = yield* Topic.join({ topic: `open on ${port}`, secret })
  const members = yield* Topic.join({ topic: `members on ${port}`, secret, access: "members" })
  const lines: ReadonlyArray<Line> = [
    plainLine(open),
    yield* channelLine(members, "signature"),
    yield* channelLine(members, "group"),
  ]
  return lines
})

/** The services of a node on the testnet. */
export const layer = (port: number) =>
  TopicTracker.layer({ config: { dht: { bootstrap: [{ host: "127.0.0.1", port }] } } })

const plainLine = (topic: Topic.Topic): Line => {
  // Each end runs one of both: a subscriber that does not read would hold the topic back.
  const events = Stream.unwrap(topic.subscribe(reading))
  const content = new Uint8Array(SIZE)
  const view = new DataView(content.buffer)
  let serial = 0
  // Gossip delivers equal content once.
  const numbered = (length: number, count: number) => {
    view.setUint32(0, count)
    view.setUint32(4, serial++)
    // A copy: a broadcast reads it when its fiber runs.
    return content.slice(0, length)
  }
  const counted = (stream: typeof events, count: (content: Uint8Array) => number) =>
    Stream.mapArray(stream, (batch) => {
      let sum = 0
      for (const event of batch) if (event._tag === "Message") sum += count(event.content)
      return [sum] as const
    })
  return {
    name: "plain",
    send: Effect.suspend(() => topic.broadcast(numbered(SIZE, 0))),
    answer: (count: number) => topic.broadcast(numbered(8, count)),
    messages: counted(events, ({ length }) => (length === SIZE ? 1 : 0)),
    answers: counted(events, (bytes) =>
      bytes.length === 8 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) : 0,
    ),
  }
}

const channelLine = Effect.fnUntraced(function* (topic: Topic.Topic, authentication: "signature" | "group") {
  const options = { ...reading, authentication }
  const messages = yield* topic.channel("messages", Schema.Uint8Array, options)
  const answers = yield* topic.channel("answers", Schema.Number, options)
  const value = new Uint8Array(SIZE - 2)
  const counted = <A>({ messages }: Channel<A>, count: (value: A) => number) =>
    Stream.mapArray(messages, (batch) => [batch.reduce((sum, { value }) => sum + count(value), 0)] as const)
  return {
    name: authentication === "signature" ? "signed" : "group",
    send: Effect.suspend(() => messages.publish(value)),
    answer: (count: number) => answers.publish(count),
    messages: counted(messages, () => 1),
    answers: counted(answers, (count) => count),
  } satisfies Line
})
