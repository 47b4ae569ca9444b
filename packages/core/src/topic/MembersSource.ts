/**
 * The members of a topic as a protocol above this package knows them, for programs that watch a node: presence shows them to the topic's view. Types
 * only.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { Effect, Stream } from "effect"

/**
 * A member as a program that watches sees it.
 *
 * @since 0.1.0
 * @category models
 */
export interface SeenMember {
  readonly id: EndpointId.EndpointId
  /** Its state as JSON, of at most 200 characters: a longer text is cut, and ends with "…". */
  readonly state: string
  /** When it came: ms since 1970, by its own clock. */
  readonly since: number
  /** A neighbour of it does not hear it any more. */
  readonly suspected: boolean
}

/**
 * Something happened to a member.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemberChange {
  readonly _tag: "Joined" | "Updated" | "Suspected" | "Left" | "Lost"
  readonly id: EndpointId.EndpointId
}

/**
 * The members of a topic, with this node.
 *
 * @since 0.1.0
 * @category models
 */
export interface MembersSource {
  /** How many are here, and how many of them are suspected. */
  readonly counts: Effect.Effect<{ readonly members: number; readonly suspected: number }>
  /** At most so many of them: first those that are suspected, then those that came last. */
  readonly first: (most: number) => Effect.Effect<ReadonlyArray<SeenMember>>
  /** A Joined for each member that is here, then every change, as far as the reader keeps up. Ends with the source. */
  readonly changes: Stream.Stream<MemberChange>
}
