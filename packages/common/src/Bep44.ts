/**
 * The limits of BEP 44 for items in the DHT, defined only here. Records, address packets and the DHT client use them.
 * Source: https://www.bittorrent.org/beps/bep_0044.html (version of 2018).
 */

/**
 * The longest bencoded value, in bytes: nodes refuse 1,000 and more with error 205.
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_ENCODED_VALUE_BYTES = 999

/**
 * The longest byte string whose bencoding ("995:" comes before it) fits, in bytes.
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_VALUE_BYTES = 995

/**
 * The longest salt of a mutable item, in bytes.
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_SALT_BYTES = 64

/**
 * The largest sequence number. BEP 44 gives no range; all known clients use a signed integer of 64 bits.
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_SEQ = 2n ** 63n - 1n

/**
 * The smallest sequence number.
 *
 * @since 0.1.0
 * @category constants
 */
export const MIN_SEQ = -(2n ** 63n)
