/** The types of presence that a program sees: members, their changes, and the handle. */
import type { EndpointId } from "@topic-tracker/crypto"
import type { Effect, Schema, Stream, SubscriptionRef } from "effect"
import type { PresenceError } from "./PresenceError.ts"

/**
 * A member of the topic.
 *
 * @since 0.1.0
 */
export interface Member<S> {
  readonly id: EndpointId.EndpointId
  readonly state: S
  /** When it began its presence: ms since the Unix epoch, by its own clock. A restart begins anew. */
  readonly since: number
  /** A neighbour of it hears it no longer. It refutes that within seconds, or is lost. */
  readonly suspected: boolean
}

/**
 * A change of the members. `Left`: it said goodbye. `Lost`: it was suspected and did not answer, or this node hears nobody. `Updated` is also that a
 * suspicion is over. A member that comes back is `Joined` again, with the same id.
 *
 * @since 0.1.0
 */
export type PresenceChange<S> =
  | { readonly _tag: "Joined"; readonly member: Member<S> }
  | { readonly _tag: "Updated"; readonly member: Member<S> }
  | { readonly _tag: "Suspected"; readonly member: Member<S> }
  /** The member as it was last. */
  | { readonly _tag: "Left"; readonly member: Member<S> }
  | { readonly _tag: "Lost"; readonly member: Member<S> }

/**
 * Options of `Presence.make`. All members need the same schema.
 *
 * @since 0.1.0
 */
export interface PresenceOptions<S> {
  /** The state of a member. It is sent in the compact form of `SchemaBinary`: readers skip fields that they do not know, so new ones must be optional. */
  readonly schema: Schema.Codec<S, unknown>
  /** Our own state at first. */
  readonly state: S
  /** The largest encoded state that we send, in bytes, from 0 to 1,024. Default 256: each change goes to all members. */
  readonly maxStateBytes?: number
  /** The members that are kept; more are not shown. From 1 to 100,000. Default 20,000. */
  readonly maxMembers?: number
}

/**
 * Counters of a presence; they only grow, except the first two.
 *
 * @since 0.1.0
 */
export interface PresenceStats {
  /** The members that are here now, with us. */
  readonly members: number
  /** Of these, the members that are suspected. */
  readonly suspected: number
  /** Notes that were dropped: a wrong form, time or signature. */
  readonly refused: number
  /** Notes beyond the rate of their author, or beyond `maxMembers`. */
  readonly limited: number
  /** Accusations of us that we refuted. */
  readonly refuted: number
  /** Entries that came from a neighbour's list and not by a broadcast. */
  readonly learnt: number
  /** States that were no value of the schema. Their members are not shown. */
  readonly undecodable: number
}

/**
 * The members of a topic, as this node sees them.
 *
 * @since 0.1.0
 */
export interface Presence<S> {
  readonly self: EndpointId.EndpointId
  /** All members with their state, by id; we are one of them. */
  readonly members: SubscriptionRef.SubscriptionRef<ReadonlyMap<EndpointId.EndpointId, Member<S>>>
  /**
   * A Joined for each member that is here, then every change. A reader that is slow gets the newest state of a member only, and misses nobody. Ends when
   * presence ends. It may run several times.
   */
  readonly changes: Stream.Stream<PresenceChange<S>>
  /**
   * Tells all members our new state. Several updates within 200 ms are one, and more than one a second are slowed down: the newest is sent. Returns at once.
   * Fails with `NotEncodable`, `StateTooLarge` or `Closed`.
   */
  readonly update: (state: S) => Effect.Effect<void, PresenceError>
  readonly stats: Effect.Effect<PresenceStats>
}
