/**
 * The public name of a node: its 32-byte Ed25519 public key (RFC 8032). The same key signs its records and is its iroh endpoint
 * id. It is kept as 64 lowercase hex digits, so that it can be compared, printed and used as the key of a Map; {@link bytes}
 * gives the 32 bytes for the wire.
 */

import { fromHex, toHex } from "@topic-tracker/common/Bytes"
import { type Brand, Schema } from "effect"

/**
 * A node's public key as 64 lowercase hex digits.
 *
 * @since 0.1.0
 * @category models
 */
export type EndpointId = string & Brand.Brand<"EndpointId">

/**
 * The Schema of a string of 64 lowercase hex digits. It does not check that the bytes are a point of the curve.
 *
 * @since 0.1.0
 * @category schemas
 */
export const EndpointId = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{64}$/, { expected: "an endpoint id of 64 lowercase hex digits" }),
).pipe(Schema.brand("EndpointId"))

/**
 * The endpoint id of a 32-byte public key. Throws a RangeError with the actual length if it is not 32 bytes.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromBytes = (publicKey: Uint8Array): EndpointId => {
  if (publicKey.length !== 32) throw new RangeError(`publicKey: ${publicKey.length} bytes; an endpoint id has 32`)
  return toHex(publicKey) as EndpointId
}

/**
 * The 32 bytes of an endpoint id.
 *
 * @since 0.1.0
 * @category encoding
 */
export const bytes = (id: EndpointId): Uint8Array => fromHex(id)
