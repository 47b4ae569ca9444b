/**
 * The part of the postcard wire format (postcard 1.x, serde's data model) that records and gossip messages need: integers
 * of 8 to 64 bits, bool, f64, strings, byte arrays, options, sequences, sets, maps, tuples, structs and enums. Not there:
 * 128-bit integers, f32, char, and self-referential types.
 */
export * from "./Codec.ts"
export * from "./composites.ts"
export * from "./primitives.ts"
export { Reader } from "./Reader.ts"
export * from "./structs.ts"
export { Writer } from "./Writer.ts"
