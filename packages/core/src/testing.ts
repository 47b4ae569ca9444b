/** For tests, simulations and benchmarks of topics: what is no option of a program. */
export { type Tuning, TuningOverrides } from "./config/Tuning.ts"
