/**
 * Fills the routing table by a lookup of our own id: after the start, and again around another id that we have taken. It waits for a
 * moment without other lookups: their answers fill the table too, and programs wait for them.
 */
import { Effect } from "effect"
import type { DhtError } from "../DhtError.ts"

export interface KeepPopulatedOptions {
  readonly populate: Effect.Effect<void, DhtError>
  /** Whether lookups run. */
  readonly isBusy: () => boolean
  /** Our node id. */
  readonly id: () => Uint8Array
  /** Completes when we have taken another id than at the start. */
  readonly newId: Effect.Effect<void>
}

/** Programs mostly have a first lookup to make when they start. */
const FIRST_DELAY_MS = 1000

/** The longest wait for a moment without lookups, and the time between two looks. */
const MAX_WAITS = 25
const WAIT_MS = 200

/** Ends when the table has been filled around the id that we keep. Failures are not repeated: later lookups fill the table as well. */
export const keepPopulated = Effect.fnUntraced(function* (options: KeepPopulatedOptions) {
  const { id, isBusy, newId, populate } = options
  const whenQuiet = Effect.gen(function* () {
    for (let i = 0; i < MAX_WAITS && isBusy(); i++) yield* Effect.sleep(WAIT_MS)
    const around = id()
    yield* Effect.ignore(populate)
    return around
  })
  yield* Effect.sleep(FIRST_DELAY_MS)
  const around = yield* whenQuiet
  yield* newId
  if (around !== id()) yield* whenQuiet
})
