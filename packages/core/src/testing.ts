/** For tests, simulations and benchmarks of topics: a world in memory, and the timing that is no option of a program. */
export { type Tuning, TuningOverrides } from "./config/Tuning.ts"
export * as MemoryWorld from "./testing/MemoryWorld.ts"
