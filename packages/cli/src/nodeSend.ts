/** The option `--send` of the command `node`: says a text again and again, in a channel or to the whole topic. */
import { UsageError } from "@topic-tracker/cli-kit/runCommand"
import { type Channel, ChannelError, type Topic, type TopicError } from "@topic-tracker/core"
import { Effect, Schedule } from "effect"

interface SendOptions {
  readonly topic: Topic.Topic
  /** The channel to speak in. Without one the text is broadcast. */
  readonly channel: Channel<string> | undefined
  readonly endpointId: string
  readonly text: string
  /** Milliseconds between two sends. */
  readonly every: number
}

/** Never succeeds. Fails if the text is too large. After another failure it tries again. */
export const sendRepeatedly = ({ channel, endpointId, every, text, topic }: SendOptions) => {
  let number = 0
  // Gossip drops content that it has seen. Without the id two nodes with the same text would send the same bytes, and each would drop
  // the other's messages.
  const send: Effect.Effect<unknown, TopicError | ChannelError> =
    channel === undefined
      ? Effect.suspend(() => topic.broadcast(`${text} ${number++} from ${endpointId.slice(0, 8)}`))
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
