/**
 * The answer to a query of another node, as the servers give it: what is sent, without the envelope. It knows no socket and no method.
 */
import type { EncodableDictionary } from "../krpc/bencode.ts"

/** An answer: the values of a response, or a code and a text. */
export type Answer =
  | { readonly _tag: "reply"; readonly r: EncodableDictionary }
  | { readonly _tag: "error"; readonly code: number; readonly message: string }

export const reply = (r: EncodableDictionary): Answer => ({ _tag: "reply", r })

export const error = (code: number, message: string): Answer => ({ _tag: "error", code, message })
