import { Topic } from "@topic-tracker/core"
import { simulate } from "@topic-tracker/simulation"
import { Effect } from "effect"

/** A program that joins and stays. */
const program = Effect.gen(function* () {
  yield* Topic.join({ topic: "t", secret: "s" })
  yield* Effect.never
})

// Three instances for a minute of virtual time. The same seed is the same run.
const { exits } = await Effect.runPromise(simulate(() => program, { nodes: 3, duration: "1 minute" }))
console.log(exits.length) // → 3
