/** The options with which a running topic makes an invitation. Types only. */
import type { Duration } from "effect"
import type { InvitePeer } from "./Invite.ts"

/**
 * Options of `topic.invite`.
 *
 * @since 0.1.0
 * @category options
 */
export interface TopicInviteOptions {
  /** The time for which the invitation may be used, at least 1 s. Default: for ever. */
  readonly expiresIn?: Duration.Input
  /** Endpoints that the newcomer dials, besides this node; of more than three, the last ones are left out. Default: none. */
  readonly peers?: ReadonlyArray<InvitePeer>
}
