/**
 * The part of the postcard wire format (postcard 1.x, serde's data model) that protocols of bytes use most: integers
 * of 8 to 64 bits, bool, f64, strings, byte arrays, options, sequences, sets, maps, tuples, structs and enums. Not supported:
 * 128-bit integers, f32, char, recursive types.
 */
export * from "./Codec.ts"
export * from "./composites.ts"
export * from "./primitives.ts"
export { Reader } from "./Reader.ts"
export * from "./structs.ts"
export { Writer } from "./Writer.ts"
