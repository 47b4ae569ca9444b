/** The functions with which a program joins a topic (the namespace `Topic`), and its types. */
import { Effect, type Scope } from "effect"
import type { TopicConfigError } from "../config/TopicConfig.ts"
import { TopicTracker } from "../tracker/TopicTracker.ts"
import type { JoinByInviteOptions, JoinOptions, Topic } from "./Topic.ts"
import type { TopicError } from "./TopicError.ts"

export type { TopicInviteOptions } from "../invite/TopicInviteOptions.ts"
export type { ReplaceSecretOptions, SecretGeneration } from "./channel/replaceSecret.ts"
export type { JoinByInviteOptions, JoinOptions, JoinSettings, Topic, TopicReceiver, TopicSender } from "./Topic.ts"
export type { TopicStats } from "./TopicActivity.ts"

/**
 * Joins a topic and waits for the first neighbour, however long that takes. If the wait is interrupted, the topic is left. With an
 * invitation, the topic, the secret and the access are those of the invitation.
 *
 * ```ts
 * const topic = yield* Topic.join({ topic: "my topic", secret: "our secret" })
 * yield* topic.broadcast("hello")
 * const other = yield* Topic.join({ invite: "tt1…" })
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const join = (
  options: JoinOptions | JoinByInviteOptions,
): Effect.Effect<Topic, TopicError | TopicConfigError, TopicTracker | Scope.Scope> =>
  Effect.flatMap(TopicTracker, (tracker) => tracker.join(options))

/**
 * Opens a topic and returns at once. The search for neighbours runs in the background.
 *
 * @since 0.1.0
 * @category operations
 */
export const joinNoWait = (
  options: JoinOptions | JoinByInviteOptions,
): Effect.Effect<Topic, TopicError | TopicConfigError, TopicTracker | Scope.Scope> =>
  Effect.flatMap(TopicTracker, (tracker) => tracker.joinNoWait(options))
