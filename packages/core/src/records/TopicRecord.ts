/** A record of a topic as a publisher makes it and a reader gets it. */
import type { EndpointId } from "@topic-tracker/crypto"

/**
 * A record with a valid signature, topic and minute, and with decoded content.
 *
 * @since 0.1.0
 * @category models
 */
export interface TopicRecord<A> {
  /** The minute of its slot: whole minutes since the Unix epoch. */
  readonly unixMinute: bigint
  /** The node that signed it. */
  readonly endpointId: EndpointId.EndpointId
  readonly content: A
  /** The signed record, before it is sealed. */
  readonly bytes: Uint8Array
  /** Present if the record was read from the second slot of its minute, which only members find. */
  readonly slot?: "second"
}
