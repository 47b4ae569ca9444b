import { simulate } from "@topic-tracker/simulation"
import { Effect } from "effect"
import { bot } from "./bot.ts"

const program = simulate(
  ({ gauge, index }) => Effect.flatMap(gauge("greetings"), (count) => bot(`bot ${index}`, count)),
  { nodes: 50, duration: "6 minutes", links: { loss: 0.1 }, partitions: [{ at: "2 minutes", for: "2 minutes" }] },
)
const { figures, hash, outsideCalls } = await Effect.runPromise(program)
console.log(hash, figures.topics, outsideCalls)
for (const { at_ms, gauges } of figures.timeline) console.log(at_ms, gauges.greetings)
