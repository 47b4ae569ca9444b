/** The one error of the monitor. */
import { Schema } from "effect"

/**
 * The page, or the metrics, could not be served: `message` names the port.
 *
 * @since 0.1.0
 * @category errors
 */
export class MonitorError extends Schema.TaggedError<MonitorError>()("MonitorError", { message: Schema.String }) {}
