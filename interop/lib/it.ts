/** `layer` of @effect/vitest for these tests: real time, child processes, and a scope that ends everything a test started. */
import { NodeServices } from "@effect/platform-node"
import { layer } from "@effect/vitest"

export { assert } from "@effect/vitest"

export const suite = layer(NodeServices.layer, { excludeTestServices: true })
