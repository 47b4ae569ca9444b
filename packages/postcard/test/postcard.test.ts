import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@topic-tracker/common"
import { Hex, publishedBeside } from "@topic-tracker/common/testing"
import { Postcard } from "@topic-tracker/postcard"
import { Option, Result, Schema } from "effect"

const published = publishedBeside(import.meta.url)

const hex = <A>(codec: Postcard.Codec<A>, value: A) => Bytes.toHex(Postcard.encodeSync(codec)(value))

const RustStruct = Postcard.struct({
  a: Postcard.u8,
  b: Postcard.option(Postcard.u16),
  c: Postcard.tuple(Postcard.bool, Postcard.i32),
})

const RustEnum = Postcard.taggedUnion({
  A: {},
  B: { value: Postcard.u64 },
  C: { x: Postcard.i8, y: Postcard.string },
})

/** Rust's sets and maps are sorted; ours keep the order of the input. */
const sortedSet = Postcard.transform(Postcard.set(Postcard.u8), Schema.ReadonlySet(Schema.Number), {
  decode: (value) => new Set([...value].sort((a, b) => a - b)),
  encode: (value) => value,
})
const sortedMap = Postcard.transform(
  Postcard.map(Postcard.u8, Postcard.bool),
  Schema.ReadonlyMap(Schema.Number, Schema.Boolean),
  { decode: (value) => new Map([...value].sort(([a], [b]) => a - b)), encode: (value) => value },
)

const codecs: Record<string, Postcard.Codec<unknown>> = {
  bool: Postcard.bool,
  u8: Postcard.u8,
  i8: Postcard.i8,
  u16: Postcard.u16,
  i16: Postcard.i16,
  u32: Postcard.u32,
  i32: Postcard.i32,
  u64: Postcard.u64,
  i64: Postcard.i64,
  f64: Postcard.f64,
  string: Postcard.string,
  bytes: Postcard.bytes,
  bytes4: Postcard.fixedBytes(4),
  option: Postcard.option(Postcard.u16),
  seq: Postcard.seq(Postcard.u16),
  set: sortedSet,
  map: sortedMap,
  struct: RustStruct,
  enum: RustEnum,
}

const rust = published(
  "postcard-rust.json",
  Schema.Struct({
    cases: Schema.Array(
      Schema.Struct({
        type: Schema.String,
        bytes: Hex,
        size: Schema.optionalKey(Schema.Int),
        encoded: Schema.optionalKey(Hex),
      }),
    ),
  }),
).cases

describe("codecs compared with postcard 1.1.3", () => {
  it.each(Object.keys(codecs))(
    "%s: accepts the inputs that Rust accepts, reads as many bytes, and encodes the same bytes",
    (type) => {
      const cases = rust.filter((one) => one.type === type)
      assert.strictEqual(cases.length, 40)
      const codec = codecs[type]!
      for (const { bytes, size, encoded } of cases) {
        const decoded = Postcard.decodePrefixResult(codec)(bytes)
        if (size === undefined) {
          assert.isTrue(Result.isFailure(decoded), `${Bytes.toHex(bytes)} is refused`)
        } else {
          const { value, size: taken } = Result.getOrThrow(decoded)
          assert.strictEqual(taken, size)
          assert.deepStrictEqual(Postcard.encodeSync(codec)(value), encoded)
          assert.isTrue(Schema.is(codec.schema)(value))
        }
      }
    },
  )

  // Values and bytes of postcard's own tests/loopback.rs (MIT OR Apache-2.0).
  it("encodes the values of postcard's own tests", () => {
    assert.strictEqual(hex(Postcard.unit, undefined), "")
    assert.strictEqual(hex(Postcard.u16, 0xa5c7), "c7cb02")
    assert.strictEqual(hex(Postcard.u32, 0xcdab3412), "92e8aced0c")
    assert.strictEqual(hex(Postcard.u64, 0x1234_5678_90ab_cdefn), "ef9baf8589cf959a12")
    assert.strictEqual(hex(Postcard.u64, 2n ** 64n - 1n), "ffffffffffffffffff01")
    assert.strictEqual(hex(Postcard.i16, 32767), "feff03")
    assert.strictEqual(hex(Postcard.i16, -32768), "ffff03")
    assert.strictEqual(hex(Postcard.string, "helLO!"), "0668656c4c4f21")
    assert.strictEqual(hex(Postcard.bytes, Uint8Array.of(1, 2, 3, 4)), "0401020304")
    assert.strictEqual(hex(Postcard.tuple(Postcard.u8, Postcard.u16), [0x12, 0xc7a5]), "12a58f03")
    const map = new Map([
      [1, 5],
      [2, 6],
    ])
    assert.strictEqual(hex(Postcard.map(Postcard.u8, Postcard.u8), map), "0201050206")
    const struct = Postcard.struct({ st: Postcard.u16, ei: Postcard.u8, sf: Postcard.u64, tt: Postcard.u32 })
    const value = { st: 0xabcd, ei: 0xfe, sf: 0x1234_4321_abcd_dcban, tt: 0xacac_acac }
    assert.strictEqual(hex(struct, value), "cdd702febab9b7de9ae4909a12acd9b2e50a")
    assert.strictEqual(hex(Postcard.literals("Bib", "Bim", "Bap"), "Bim"), "01")
  })
})

describe("postcard codecs", () => {
  const All = Postcard.struct({
    u8: Postcard.u8,
    i8: Postcard.i8,
    u16: Postcard.u16,
    i16: Postcard.i16,
    u32: Postcard.u32,
    i32: Postcard.i32,
    u64: Postcard.u64,
    i64: Postcard.i64,
    f64: Postcard.f64,
    bool: Postcard.bool,
    string: Postcard.string,
    option: Postcard.option(Postcard.string),
    undefinedOr: Postcard.undefinedOr(Postcard.u64),
    seq: Postcard.seq(RustEnum),
    set: Postcard.set(Postcard.string),
    map: Postcard.map(Postcard.u16, Postcard.seq(Postcard.bool)),
    tuple: Postcard.tuple(Postcard.u8, Postcard.string),
    literal: Postcard.literals("one", "two"),
  })

  it.prop("decode every encoded value of their schema", { value: All.schema }, ({ value }) => {
    const bytes = Postcard.encodeSync(All)(value)
    const { value: decoded, size } = Result.getOrThrow(Postcard.decodePrefixResult(All)(bytes))
    assert.strictEqual(size, bytes.length)
    assert.deepStrictEqual(decoded, value)
  })

  it.prop("decode any bytes to a value or a typed error", { bytes: Schema.Array(Postcard.u8.schema) }, ({ bytes }) => {
    const decoded = Postcard.decodeResult(All)(Uint8Array.from(bytes))
    if (Result.isFailure(decoded)) assert.strictEqual(decoded.failure._tag, "PostcardDecodeError")
  })

  it("ignore bytes after the value, like from_bytes", () => {
    assert.deepStrictEqual(Postcard.decodeResult(Postcard.u8)(Uint8Array.of(7, 9)), Result.succeed(7))
  })

  it("refuse a length that exceeds the remaining bytes before they allocate memory", () => {
    const claimsMuch = Bytes.fromHex("ffffffffffffff7f")
    for (const codec of [Postcard.bytes, Postcard.string, Postcard.seq(Postcard.u8), Postcard.set(Postcard.bool)]) {
      const error = Result.getOrThrow(Result.flip(Postcard.decodeResult<unknown>(codec)(claimsMuch)))
      assert.include(error.message, "0 are left")
    }
    const wide = Postcard.seq(Postcard.fixedBytes(32))
    assert.isTrue(Result.isFailure(Postcard.decodeResult(wide)(Uint8Array.of(2, ...new Uint8Array(63)))))
    assert.throws(() => Postcard.seq(Postcard.unit), RangeError, "takes no bytes")
  })

  it("copy bytes from the input", () => {
    const input = Uint8Array.of(2, 1, 2)
    const decoded = Result.getOrThrow(Postcard.decodeResult(Postcard.bytes)(input))
    input[1] = 9
    assert.deepStrictEqual(decoded, Uint8Array.of(1, 2))
  })

  it("refuse values outside their type with an error that has value and type", () => {
    const refused = <A>(codec: Postcard.Codec<A>, value: A) =>
      Result.getOrThrow(Result.flip(Postcard.encodeResult(codec)(value))).message
    assert.include(refused(Postcard.u8, 256), "u8: 256")
    assert.include(refused(Postcard.u8, 1.5), "u8: 1.5")
    assert.include(refused(Postcard.i16, -32769), "i16: -32769")
    assert.include(refused(Postcard.u64, -1n), "u64: -1")
    assert.include(refused(Postcard.u64, 2n ** 64n), "u64: 18446744073709551616")
    assert.include(refused(Postcard.i64, 2n ** 63n), "i64:")
    assert.include(refused(Postcard.string, "\ud800"), "lone surrogate")
    assert.include(refused(Postcard.fixedBytes(4), new Uint8Array(3)), "3 bytes; must be 4 bytes")
  })

  it("may encode another value inside their own write", () => {
    const inner = Postcard.transform(Postcard.bytes, Schema.String, {
      decode: (bytes) => Result.getOrThrow(Postcard.decodeResult(Postcard.string)(bytes)),
      encode: Postcard.encodeSync(Postcard.string),
    })
    const both = Postcard.tuple(Postcard.u32, inner)
    const bytes = Postcard.encodeSync(both)([70000, "nested"])
    assert.deepStrictEqual(Postcard.decodeResult(both)(bytes), Result.succeed([70000, "nested"] as const))
  })

  it("become Schemas that encode to bytes by toSchema", () => {
    const schema = Postcard.toSchema(Postcard.struct({ name: Postcard.string, at: Postcard.option(Postcard.u64) }))
    const bytes = Schema.encodeSync(schema)({ name: "ada", at: Option.some(1815n) })
    assert.strictEqual(Bytes.toHex(bytes), "0361646101970e")
    assert.deepStrictEqual(Schema.decodeSync(schema)(bytes), { name: "ada", at: Option.some(1815n) })
    assert.throws(() => Schema.decodeSync(schema)(Uint8Array.of(5, 1)), "at byte 1")
    assert.throws(() => Schema.encodeSync(schema)({ name: "ada", at: Option.some(-1n) }), "u64")
  })
})
