/** The public part of BEP 44: limits, targets and signed bytes, for packages that check or build items themselves. */
export { type EqualSeq, encodeValue, type StoredItem, signable, targetOf, verifyItem } from "./bep44/item.ts"
export { MAX_ENCODED_VALUE_BYTES, MAX_SALT_BYTES, MAX_SEQ, MAX_VALUE_BYTES, MIN_SEQ } from "./bep44/limits.ts"
