/** How the values of a channel become bytes. */
import { Schema, SchemaGetter } from "effect"
import { SchemaBinary } from "effect/encoding"

/** The codec of a channel, by its option. */
export const bytesCodec = <A>(
  schema: Schema.Codec<A, unknown>,
  codec: "binary" | "json" | Schema.Codec<A, Uint8Array>,
): Schema.Codec<A, Uint8Array> => {
  if (codec === "binary") return SchemaBinary.toCodec(schema)
  return codec === "json" ? jsonBytes(schema) : codec
}

const jsonBytes = <A>(schema: Schema.Codec<A, unknown>): Schema.Codec<A, Uint8Array> =>
  Schema.Uint8Array.pipe(
    Schema.decodeTo(Schema.String, {
      decode: SchemaGetter.transform((bytes: Uint8Array) => new TextDecoder().decode(bytes)),
      encode: SchemaGetter.transform((text: string) => new TextEncoder().encode(text)),
    }),
    Schema.decodeTo(Schema.fromJsonString(Schema.toCodecJson(schema))),
  )
