/** Runs a user's program in many instances on virtual time. The scenarios of this repository are run by the command `sim`, which is no part of the package. */

export type { GaugeFigures, SimulationFigures, SimulationPoint } from "./simulate/figures.ts"
export type { SimulatedTopicFigures } from "./simulate/ObservedTopics.ts"
export type { OutsideCall } from "./simulate/OutsideClock.ts"
export type {
  DelayOptions,
  DhtModelOptions,
  LinkOptions,
  SimulateFileOptions,
  SimulateOptions,
} from "./simulate/options.ts"
export type { Instance, InstanceExit, Program, ProgramServices } from "./simulate/Program.ts"
export { SimulationError } from "./simulate/SimulationError.ts"
export { type Simulation, simulate } from "./simulate/simulate.ts"
export type { DhtTimeFigures } from "./world/DhtTimes.ts"
export type { Spans } from "./world/distribution.ts"
