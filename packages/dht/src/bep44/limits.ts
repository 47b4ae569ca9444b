/**
 * The sizes that BEP 44 allows, defined here only. Source: https://www.bittorrent.org/beps/bep_0044.html (version of 2018).
 */

/**
 * Bytes of a bencoded value: BEP 44 has nodes refuse 1,000 and more with error 205.
 * @since 0.1.0
 */
export const MAX_ENCODED_VALUE_BYTES = 999

/**
 * Bytes of the longest byte string whose bencoding ("995:" before it) fits.
 * @since 0.1.0
 */
export const MAX_VALUE_BYTES = MAX_ENCODED_VALUE_BYTES - "995:".length

/**
 * Bytes of a salt.
 * @since 0.1.0
 */
export const MAX_SALT_BYTES = 64

/**
 * BEP 44 leaves the range of seq open; every known client keeps it in a signed 64-bit integer.
 * @since 0.1.0
 */
export const MAX_SEQ = 2n ** 63n - 1n

/** @since 0.1.0 */
export const MIN_SEQ = -(2n ** 63n)
