import { it } from "@effect/vitest"
import { Effect } from "effect"
import { suite } from "./suite.ts"
import { makeIrohWorld } from "./world.ts"

suite("iroh on loopback", (name, test) => it.live(name, () => Effect.flatMap(makeIrohWorld(), test)))
