/** The one error of `simulate`: a run that cannot begin, or one that cannot go on. */
import { Schema } from "effect"

/**
 * A simulation did not run to its end. `reason`:
 *
 * - `"InvalidOptions"`: an option or the scenario file is wrong; the message names it and says what would be right;
 * - `"WaitsOutside"`: a fiber waits for something that virtual time cannot bring, such as a file, a socket or a promise that nobody
 *   settles; the message names the instance, the fiber and the place in its source;
 * - `"Defect"`: the simulation itself, or the code that it runs, is broken.
 *
 * @since 0.1.0
 * @category errors
 */
export class SimulationError extends Schema.TaggedError<SimulationError>()("SimulationError", {
  reason: Schema.Literals(["InvalidOptions", "WaitsOutside", "Defect"]),
  message: Schema.String,
}) {}
