/** `layer` of @effect/vitest for these tests: real time, child processes, and a scope that ends all programs of a test. */
import { NodeServices } from "@effect/platform-node"
import { layer } from "@effect/vitest"
import type { Layer } from "effect"

export { assert } from "@effect/vitest"

/** The services of the harness. */
export const services = NodeServices.layer

/** A suite whose tests share a layer. */
export const suiteOf = <R, E>(shared: Layer.Layer<R, E>) => layer(shared, { excludeTestServices: true })

/** A suite with the services of the harness. */
export const suite = suiteOf(services)
