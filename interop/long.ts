/**
 * `npm run -s interop:long`: two Rust and two TypeScript nodes in one topic. Each broadcasts a message per second for some minutes; records
 * and keys change with every minute. Reports the messages that each node received. Exit code 0 only if none was lost and none came
 * twice.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Schedule } from "effect"
import { allJoined, untilAllReceiveAll } from "./lib/delivery.ts"
import * as dhts from "./lib/dhts.ts"
import { InteropError } from "./lib/InteropError.ts"
import * as Lab from "./lib/Lab.ts"
import { type Node, tracker } from "./lib/peers.ts"

const help = `npm run -s interop:long [-- --minutes N]

Two Rust and two TypeScript nodes in one topic, a message each second from each, for N minutes (default 5).
Build the Rust peer first: npm run test:interop`

const textOf = (author: Node, number: number): string => `${author.name} #${number}`

const main = Effect.gen(function* () {
  const args = process.argv.slice(2)
  if (args.includes("--help")) return yield* Console.log(help)
  const minutes = args[0] === "--minutes" ? Number(args[1]) : 5
  if (!(minutes > 0)) return yield* new InteropError({ message: `--minutes: ${args[1]} is not a number above 0` })
  const count = Math.round(minutes * 60)

  const host = yield* Lab.loopback
  const { bootstrap } = yield* dhts.mainline(host, { nodes: 20 })
  const nodes = yield* Effect.forEach(
    ["Rust", "TS", "Rust", "TS"] as const,
    (language, index) => tracker(language, host, `${language} ${index}`, { topic: "long run", bootstrap }),
    { concurrency: "unbounded" },
  )
  yield* allJoined(nodes)
  yield* untilAllReceiveAll(nodes, "60 seconds")
  yield* Console.log(`joined; ${count} messages from each of ${nodes.length} nodes, one a second`)

  let number = 0
  const broadcastAll = Effect.suspend(() => {
    number++
    return Effect.forEach(
      nodes,
      (node) => node.send({ do: "broadcast", hex: Buffer.from(textOf(node, number)).toString("hex") }),
      { discard: true },
    )
  })
  yield* broadcastAll.pipe(Effect.repeat(Schedule.max([Schedule.fixed("1 second"), Schedule.recurs(count - 1)])))
  yield* Effect.sleep("5 seconds")

  let wrong = 0
  for (const receiver of nodes) {
    const times = new Map<string, number>()
    let neighborChanges = 0
    for (const event of yield* receiver.events) {
      if (event.event === "message") times.set(event.text, (times.get(event.text) ?? 0) + 1)
      else if (event.event === "neighbor-up" || event.event === "neighbor-down") neighborChanges++
    }
    for (const author of nodes) {
      if (author === receiver) continue
      const counts = Array.from({ length: count }, (_, index) => times.get(textOf(author, index + 1)) ?? 0)
      const lost = counts.filter((time) => time === 0).length
      const twice = counts.filter((time) => time > 1).length
      wrong += lost + twice
      yield* Console.log(`${receiver.name} of ${author.name}: ${count - lost} received, ${lost} lost, ${twice} twice`)
    }
    yield* Console.log(`${receiver.name}: ${neighborChanges} changes of neighbours`)
  }
  if (wrong > 0) return yield* new InteropError({ message: `${wrong} messages lost or received twice` })
  yield* Console.log("none lost, none twice")
}).pipe(
  Effect.scoped,
  Effect.tapError((error) => Console.error(error.message)),
  Effect.provide(NodeServices.layer),
)

NodeRuntime.runMain(main, { disableErrorReporting: true })
