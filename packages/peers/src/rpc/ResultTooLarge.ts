/** The largest encoded message of a call, in bytes, if nothing else is said. */
export const DEFAULT_MAX_BYTES = 1_048_576

export const RESULT_TOO_LARGE = "ResultTooLarge"

/** The defect that a caller gets for a result that the server does not send. It crosses the wire as name and message. */
export class ResultTooLarge extends Error {
  override readonly name = RESULT_TOO_LARGE

  constructor(bytes: number, maxBytes: number) {
    super(`result: ${bytes} bytes; must be at most ${maxBytes}`)
  }
}
