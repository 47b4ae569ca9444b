/**
 * The limits of BEP 44 for items in the DHT, in bytes. Records, address packets and the DHT client share them.
 * Source: https://www.bittorrent.org/beps/bep_0044.html
 */

/** The largest byte string as a value: its bencoding, four bytes longer ("995:" comes first), must be shorter than 1,000. */
export const MAX_VALUE_BYTES = 995

/** The longest salt of a mutable item. */
export const MAX_SALT_BYTES = 64
