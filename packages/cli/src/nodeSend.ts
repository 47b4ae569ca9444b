/** The option `--send` of the command `node`: says a text again and again, in a channel or to the whole topic. */
import { UsageError } from "@topic-tracker/cli-kit/runCommand"
import type { Access } from "@topic-tracker/cli-kit/topic"
import { type Channel, ChannelError, type Topic, type TopicError } from "@topic-tracker/core"
import { Gossip } from "@topic-tracker/gossip"
import { MAX_CONTENT_BYTES } from "@topic-tracker/gossip/members"
import { Effect, Exit, Option, Schedule, Schema } from "effect"
import { SchemaBinary } from "effect/encoding"

interface SendOptions {
  readonly topic: Topic.Topic
  /** The channel to speak in. Without one the text is broadcast. */
  readonly channel: Channel<string> | undefined
  readonly endpointId: string
  readonly text: string
  /** Milliseconds between two sends. */
  readonly every: number
}

/** The content that a node sends for the text: gossip drops content that it has seen, so a broadcast has a number and the beginning of the sender's id. */
const broadcastOf = (text: string, number: number, endpointId: string): string =>
  `${text} ${number} from ${endpointId.slice(0, 8)}`

/** Fails if the text does not fit into a message. Nothing is sent, and the node need not be ready. */
export const checkSize = Effect.fnUntraced(function* (options: {
  readonly access: Access
  readonly channel: Option.Option<string>
  readonly text: string
}) {
  const { access, channel, text } = options
  const { endpointId, maxContentBytes } = yield* Gossip
  const bytes = Option.isSome(channel) ? encodedText(text) : Buffer.byteLength(broadcastOf(text, 0, endpointId))
  const most = access === "members" ? MAX_CONTENT_BYTES : maxContentBytes
  if (bytes > most) yield* new UsageError({ message: `--send: ${bytes} bytes; must be at most ${most}` })
})

/** The bytes of a text in a channel. */
const encodedText = (text: string): number => {
  const encoded = Schema.encodeExit(SchemaBinary.toCodec(Schema.String))(text)
  return Exit.isSuccess(encoded) ? encoded.value.length : 0
}

/** Never succeeds. Fails if the text is too large. After another failure it tries again. */
export const sendRepeatedly = ({ channel, endpointId, every, text, topic }: SendOptions) => {
  let number = 0
  const send: Effect.Effect<unknown, TopicError | ChannelError> =
    channel === undefined
      ? Effect.suspend(() => topic.broadcast(broadcastOf(text, number++, endpointId)))
      : channel.publish(text)
  return send.pipe(
    Effect.catch((error) =>
      isTooLarge(error)
        ? Effect.fail(new UsageError({ message: `--send: ${error.message}` }))
        : Effect.logWarning(`not sent: ${error.message}`),
    ),
    Effect.repeat(Schedule.spaced(every)),
    Effect.andThen(Effect.never),
  )
}

const isTooLarge = (error: TopicError | ChannelError): boolean =>
  (error instanceof ChannelError ? error.reason : error.reason._tag) === "MessageTooLarge"
