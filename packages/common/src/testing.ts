/** Support for tests of the packages. */
export { type FiberCounter, makeFiberCounter } from "./testing/countFibers.ts"
export { Hex, publishedBeside } from "./testing/published.ts"
