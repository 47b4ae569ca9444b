/** The command `soak`: two nodes of ours and one of the Rust crate talk for half an hour while a fifth of all packets is lost. */
import { CommandFailed, textTable } from "@topic-tracker/cli-kit"
import { integer } from "@topic-tracker/cli-kit/flags"
import { Console, Effect, Schedule } from "effect"
import { Command, Flag } from "effect/cli"
import { AttackFailed } from "./harness/Attack.ts"
import { startMember } from "./harness/members.ts"
import { isInside, nft } from "./harness/namespace.ts"
import { startVictim } from "./harness/Victim.ts"
import { startControl } from "./soak/control.ts"
import { MemoryLog, type MemoryReport } from "./soak/MemoryLog.ts"
import { type RustNode, rustPeer, startRustNode } from "./soak/RustNode.ts"
import { type Pair, Tally } from "./soak/Tally.ts"
import { SECRET } from "./victim/api.ts"
import { AUTHOR_CHARACTERS, formatMessage, parseMessage } from "./victim/message.ts"

const TOPIC = "soak"
const LOSS_PERCENT = 20
const EVERY_MS = 300
const MESSAGE_BYTES = 200
const SAMPLE_EVERY_MS = 10_000
/** The time in which a message may still arrive after the last one was sent. */
const SETTLE_MS = 20_000
/** The first minutes, in which memories fill up, do not count for the slope. */
const WARM_UP_MS = 5 * 60_000
const MAX_SLOPE_MB = 1
const CONTROL_NODES = 3
/** The port at which the Rust crate looks for its DHT. */
const DHT_PORT = 6_881
const WIDTH = 60

interface SoakReport {
  readonly minutes: number
  readonly lossPercent: number
  /** Whether a Rust node took part. */
  readonly rust: boolean
  readonly pairs: ReadonlyArray<Pair>
  /** Our nodes, and bare endpoints of the binding under the same traffic. */
  readonly nodes: ReadonlyArray<MemoryReport>
  readonly control: ReadonlyArray<MemoryReport>
  readonly holds: boolean
}

/** Drops a share of all UDP packets in the namespace. */
const lossyNetwork = Effect.acquireRelease(
  Effect.sync(() =>
    nft(
      `add table inet soak; add chain inet soak in { type filter hook input priority 0; }; add rule inet soak in meta l4proto udp numgen random mod 100 < ${LOSS_PERCENT} drop`,
    ),
  ),
  () => Effect.sync(() => nft("delete table inet soak")),
)

const soak = Effect.fnUntraced(function* (minutes: number) {
  const program = rustPeer()
  const testnet = yield* startVictim()
  const bootstrap = yield* testnet.call("startDhtNodes", { nodes: 20, port: DHT_PORT })
  const members = yield* Effect.forEach([0, 1], () =>
    Effect.flatMap(startVictim(), (victim) => startMember(victim, { bootstrap: bootstrap.slice(0, 4) })),
  )
  const rust: RustNode | undefined =
    program === undefined
      ? undefined
      : yield* startRustNode({
          program,
          topic: TOPIC,
          secret: SECRET,
          bootstrap: bootstrap.slice(0, 4).join(","),
          parse: (text) => parseMessage(text, Date.now()),
        })
  yield* Effect.forEach(members, ({ node, victim }) => victim.call("join", node, TOPIC, 30_000), { concurrency: 2 })
  const control = yield* startControl({ nodes: CONTROL_NODES, everyMs: EVERY_MS, bytes: MESSAGE_BYTES })
  if (rust !== undefined) yield* rust.joined
  // All three are one swarm before packets are lost: that is another test.
  yield* Effect.sleep(5_000)
  yield* lossyNetwork
  yield* Console.error(
    `${members.length} nodes of ours and ${rust === undefined ? "no" : "one"} Rust node, ${minutes} minutes at ${LOSS_PERCENT} % loss`,
  )

  const authors = members.map(({ endpointId }, i) => [`ts${i + 1}`, endpointId.slice(0, AUTHOR_CHARACTERS)] as const)
  const rustAuthor = rust?.endpointId.slice(0, AUTHOR_CHARACTERS)
  const tally = new Tally(rustAuthor === undefined ? authors : [...authors, ["rust", rustAuthor]])
  const memory = members.map(({ victim }, i) => new MemoryLog(authors[i]![0], victim))
  const controlMemory = control.victims.map((victim, i) => new MemoryLog(`bare${i + 1}`, victim))
  const begun = performance.now()
  const warmUpMs = Math.min(WARM_UP_MS, (minutes * 60_000) / 2)

  yield* Effect.forEach(members, ({ node, victim }) =>
    victim.call("beginTraffic", node, TOPIC, EVERY_MS, MESSAGE_BYTES),
  )
  yield* control.send
  const rustSends = Effect.gen(function* () {
    if (rust === undefined || rustAuthor === undefined) return
    let number = 0
    yield* Effect.sync(() => {
      tally.addSent(rustAuthor, [number])
      rust.broadcast(formatMessage(rustAuthor, number++, Date.now(), MESSAGE_BYTES))
    }).pipe(Effect.repeat(Schedule.fixed(EVERY_MS)))
  })
  const collect = Effect.gen(function* () {
    for (const [i, { node, victim }] of members.entries())
      tally.addTraffic(authors[i]![1], yield* victim.call("takeTraffic", node, TOPIC))
    if (rust !== undefined && rustAuthor !== undefined) tally.addHeard(rustAuthor, rust.takeHeard())
  })
  const sample = Effect.gen(function* () {
    yield* collect
    const at = performance.now() - begun
    for (const log of [...memory, ...controlMemory]) yield* log.sample(at)
  })
  yield* Effect.all([rustSends, Effect.repeat(sample, Schedule.fixed(SAMPLE_EVERY_MS))], { concurrency: 2 }).pipe(
    Effect.timeoutOption(minutes * 60_000),
  )
  // The last messages are sent; what is on the way may still arrive.
  yield* Effect.forEach(members, ({ node, victim }) => victim.call("endTraffic", node, TOPIC))
  yield* Effect.sleep(SETTLE_MS)
  yield* collect

  const pairs = tally.pairs()
  const nodes = memory.map((log) => log.report(warmUpMs))
  const report: SoakReport = {
    minutes,
    lossPercent: LOSS_PERCENT,
    rust: rust !== undefined,
    pairs,
    nodes,
    control: controlMemory.map((log) => log.report(warmUpMs)),
    holds:
      pairs.every(({ lost, sent, twice }) => sent > 0 && lost === 0 && twice === 0) &&
      nodes.every(
        ({ handlesAfter, handlesBefore, liveSlope }) => liveSlope < MAX_SLOPE_MB && handlesAfter === handlesBefore,
      ),
  }
  return report
}, Effect.scoped)

const toText = ({ control, nodes, pairs, rust }: SoakReport): string =>
  [
    textTable(
      ["from", "to", "sent", "received", "lost", "twice"],
      pairs.map(({ from, lost, received, sent, to, twice }) => [from, to, sent, received, lost, twice].map(String)),
      { words: [0, 1], width: WIDTH },
    ),
    textTable(
      ["node", "MB", "/10 min", "live MB", "/10 min", "code", "handles"],
      [...nodes, ...control].map((each) => [
        each.node,
        each.resident.toFixed(0),
        each.residentSlope.toFixed(2),
        each.live.toFixed(1),
        each.liveSlope.toFixed(2),
        each.codeSlope.toFixed(2),
        `${each.handlesBefore} → ${each.handlesAfter}`,
      ]),
      { width: WIDTH },
    ),
    ...(rust ? [] : ["without a Rust node: cargo is missing"]),
  ].join("\n\n")

export const soakCommand = Command.make(
  "soak",
  {
    minutes: integer("minutes", "How long (default 30)", 1, 10_000).pipe(Flag.withDefault(30)),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print the report as JSON and nothing else"),
      Flag.withDefault(false),
    ),
  },
  Effect.fn("soak")(function* ({ json, minutes }) {
    if (!isInside()) {
      return yield* new AttackFailed({
        message: "the loss is made by nftables in a network namespace, and none can be made here (unshare, ip, nft)",
      })
    }
    const report = yield* soak(minutes)
    yield* Console.log(json ? JSON.stringify(report) : toText(report))
    if (!report.holds)
      return yield* new CommandFailed({ message: "messages were lost or came twice, or memory or handles grew" })
  }),
).pipe(
  Command.withDescription(
    "Two nodes of ours and a Rust node at 20 % loss. Exit code 0 only if nothing was lost or came twice, and memory stayed flat.",
  ),
)
