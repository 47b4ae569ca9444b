import { it } from "@effect/vitest"
import { Effect } from "effect"
import { suite } from "./suite.ts"
import { makeMemoryWorld } from "./world.ts"

suite("a network in memory", (name, test) => it.effect(name, () => Effect.flatMap(makeMemoryWorld(), test)))
suite("a network in memory with latency", (name, test) =>
  it.effect(name, () => Effect.flatMap(makeMemoryWorld({ link: () => ({ delayMs: 7 }) }), test)))
