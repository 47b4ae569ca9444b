/**
 * A verified record with its content as a value: what a publisher makes and a reader gets.
 */
import type { EndpointId } from "@topic-tracker/crypto"

/** A record whose signature, topic and minute held, and whose content the codec understood. */
export interface TopicRecord<A> {
  /** Whole minutes since the Unix epoch: the slot it belongs to. */
  readonly unixMinute: bigint
  /** The node that signed it: the peer to dial. */
  readonly endpointId: EndpointId.EndpointId
  readonly content: A
  /** The record as its node signed it, before it is sealed. */
  readonly bytes: Uint8Array
}
