/** The error of a run that did not reach its end. */
import { Schema } from "effect"

/** An error of the simulation or of the code that it runs. The scenario's name and the seed repeat it. */
export class RunFailed extends Schema.TaggedError<RunFailed>()("RunFailed", {
  message: Schema.String,
  scenario: Schema.String,
  seed: Schema.BigInt,
}) {}
