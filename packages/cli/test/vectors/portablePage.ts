/**
 * The page of portable.browser.ts: it offers the checks of vectors, on the portable layer of Crypto, to the test that opens it. It runs
 * in a browser and imports nothing of Node.
 */
import { Bytes } from "@topic-tracker/common"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Redacted } from "effect"
import { cryptoVectors } from "../../src/vectors/cryptoVectors.ts"
import { parseJson, type VectorReport } from "../../src/vectors/VectorReport.ts"

interface Rfc8032 {
  readonly cases: ReadonlyArray<Readonly<Record<"seed" | "publicKey" | "message" | "signature", string>>>
}

interface Speccheck {
  readonly cases: ReadonlyArray<{
    readonly about: string
    readonly message: string
    readonly pub_key: string
    readonly signature: string
    readonly dalek: boolean
    readonly dalekStrict: boolean
  }>
}

const reportOf = (failed: ReadonlyArray<string>, cases: number): VectorReport => ({
  passed: cases - failed.length,
  failed,
})

/** The published vectors of Ed25519, which no check of the crate's vectors reads. */
const published: Readonly<Record<string, (json: unknown) => Effect.Effect<VectorReport, never, Crypto>>> = {
  "rfc8032-ed25519.json": Effect.fnUntraced(function* (json: unknown) {
    const crypto = yield* Crypto
    const { cases } = json as Rfc8032
    const failed = cases.filter(({ message, publicKey, seed, signature }) => {
      const key = crypto.signingKey(Redacted.make(Bytes.fromHex(seed)))
      const made = Bytes.toHex(crypto.sign(key, Bytes.fromHex(message)))
      return Bytes.toHex(key.publicKey) !== publicKey || made !== signature
    })
    return reportOf(
      failed.map(({ message }) => message),
      cases.length,
    )
  }),
  "ed25519-speccheck.json": Effect.fnUntraced(function* (json: unknown) {
    const crypto = yield* Crypto
    const { cases } = json as Speccheck
    const failed = cases.filter(({ dalek, dalekStrict, message, pub_key, signature }) => {
      const [key, text, signed] = [pub_key, message, signature].map(Bytes.fromHex)
      return crypto.verify(key!, text!, signed!) !== dalek || crypto.verifyStrict(key!, text!, signed!) !== dalekStrict
    })
    return reportOf(
      failed.map(({ about }) => about),
      cases.length,
    )
  }),
}

/** The report of a file of vectors, given by its name and text. */
const check = (file: string, text: string): Promise<VectorReport> => {
  const checkFile = cryptoVectors[file] ?? published[file]
  if (checkFile === undefined) throw new Error(`no check of ${file}`)
  return Effect.runPromise(Effect.provide(checkFile(parseJson(text)), Crypto.layer()))
}

Object.assign(globalThis, { check })
