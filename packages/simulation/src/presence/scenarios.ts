/** The scenarios of `sim:presence`: each gives figures of presence in a swarm, with the same seed always the same. Times are in ms. */
import type { ProtocolConfig } from "@topic-tracker/gossip/stateMachine"
import { presenceBytes, type Traffic, trafficSince } from "./bytes.ts"
import { PresenceNetwork, type PresenceNetworkOptions, type PresenceNode } from "./PresenceNetwork.ts"

export interface ScenarioOptions {
  readonly nodes: number
  readonly seed: bigint
  readonly loss: number
  readonly hours: number
  readonly isControl: boolean
  readonly protocol: ProtocolConfig
}

/** A figure of a run. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** The most that it may be. */
  readonly limit?: number
}

const LATENCY = [10, 90] as const
/** The time over which bytes are measured, while nobody comes or goes and while members do: some 200 of 1,000. */
const BYTES_MS = 360_000

const networkOf = (options: ScenarioOptions, onChange?: PresenceNetworkOptions["onChange"]): PresenceNetwork =>
  new PresenceNetwork({
    protocol: options.protocol,
    seed: options.seed,
    loss: options.loss,
    isControl: options.isControl,
    latency: LATENCY,
    ...(onChange !== undefined && { onChange }),
  })

const pick = (network: PresenceNetwork): PresenceNode => {
  const all = [...network.nodes.values()]
  return all[network.rng.nextInt(all.length)]!
}

/** Builds the swarm, 50 newcomers a second, and lets it settle. */
const build = (network: PresenceNetwork, nodes: number, withPresence: boolean): void => {
  for (let i = 0; i < nodes; i++) {
    network.add(i, network.nodes.size === 0 ? [] : [pick(network), pick(network)], false)
    network.run(20)
  }
  if (withPresence) {
    // Members come with the list of one that is there: what each join costs is measured later.
    network.isDirect = true
    let known: PresenceNode | undefined
    for (const node of network.nodes.values()) {
      network.startPresence(node, known)
      known = node
      network.run(20)
    }
    network.run(2_000)
    network.isDirect = false
  }
  network.run(30_000)
}

const quantile = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted.length === 0 ? Number.NaN : sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!

const sortedTimes = (times: Iterable<number>): ReadonlyArray<number> => [...times].sort((a, b) => a - b)

const isHere = (node: PresenceNode, member: string): boolean => {
  const { presence } = node
  if (presence === undefined) return false
  return "isHere" in presence ? presence.isHere(member) : presence.get(member)?.status === "here"
}

const allKnow = (network: PresenceNetwork): boolean => {
  const { size } = network.nodes
  for (const { presence } of network.nodes.values()) if (presence?.count !== size) return false
  return true
}

/** All members of a ready swarm begin their presence at once; then newcomers come one by one. */
export const cold = (options: ScenarioOptions): ReadonlyArray<Figure> => {
  const network = networkOf(options)
  build(network, options.nodes, false)
  let start = network.now
  for (const node of network.nodes.values()) network.startPresence(node)
  network.run(60_000, () => allKnow(network))
  const all = network.now - start
  network.run(10_000)
  const times: Array<number> = []
  for (let i = 0; i < 20; i++) {
    start = network.now
    network.add(options.nodes + i, [pick(network), pick(network)], true)
    network.run(60_000, () => allKnow(network))
    times.push(network.now - start)
    network.run(5_000)
  }
  return [
    { name: "all know all", value: all, unit: "ms", limit: 3_000 },
    { name: "newcomer and all others, slowest of 20", value: Math.max(...times), unit: "ms", limit: 3_000 },
  ]
}

/** Members leave one by one. */
export const leave = (options: ScenarioOptions): ReadonlyArray<Figure> => {
  const network = networkOf(options)
  build(network, options.nodes, true)
  const times: Array<number> = []
  const rounds = Math.min(50, Math.floor(options.nodes / 4))
  for (let i = 0; i < rounds; i++) {
    const start = network.now
    const gone = pick(network)
    network.leave(gone)
    const waiting = new Set(network.nodes.values())
    network.run(60_000, () => {
      for (const node of waiting) {
        if (isHere(node, gone.key)) continue
        waiting.delete(node)
        times.push(network.now - start)
      }
      return waiting.size === 0
    })
    network.run(2_000)
  }
  const sorted = sortedTimes(times)
  return [
    { name: "leave known, p50 of nodes", value: quantile(sorted, 0.5), unit: "ms" },
    { name: "leave known, p99 of nodes", value: quantile(sorted, 0.99), unit: "ms", limit: 1_000 },
    { name: `leave known, slowest node of ${rounds} leaves`, value: sorted.at(-1)!, unit: "ms", limit: 1_000 },
  ]
}

/** Members crash one by one, and two of each twenty together with a neighbour. */
export const crash = (options: ScenarioOptions): ReadonlyArray<Figure> => {
  const network = networkOf(options)
  build(network, options.nodes, true)
  const times: Array<number> = []
  const rounds = Math.min(40, Math.floor(options.nodes / 4))
  for (let i = 0; i < rounds; i++) {
    const start = network.now
    const gone = [pick(network)]
    const neighbor = [...gone[0]!.neighbors][0]
    if (i % 10 === 0 && neighbor !== undefined) gone.push(network.nodes.get(neighbor)!)
    for (const node of gone) network.crash(node)
    for (const each of gone) {
      const waiting = new Set(network.nodes.values())
      network.run(60_000, () => {
        for (const node of waiting) {
          if (isHere(node, each.key)) continue
          waiting.delete(node)
          times.push(network.now - start)
        }
        return waiting.size === 0
      })
    }
    network.run(2_000 + 10_000 * network.random())
  }
  const sorted = sortedTimes(times)
  return [
    { name: "crash known, p50", value: quantile(sorted, 0.5), unit: "ms" },
    { name: "crash known, p99", value: quantile(sorted, 0.99), unit: "ms", limit: 20_000 },
    { name: `crash known, slowest node of ${rounds} crashes`, value: sorted.at(-1)!, unit: "ms" },
  ]
}

/** Nobody goes; links lose packets, and one connection of each member breaks in ten hours. */
export const falseDepartures = (options: ScenarioOptions): ReadonlyArray<Figure> => {
  let suspected = 0
  const departed = new Set<string>()
  let departures = 0
  const network = networkOf(options, (_node, tag, member, at) => {
    if (tag === "Suspected") suspected++
    else if (tag === "Lost" || tag === "Left") {
      // One departure, however many nodes see it.
      const name = `${member} ${Math.floor(at / 60_000)}`
      if (!departed.has(name)) departures++
      departed.add(name)
    }
  })
  build(network, options.nodes, true)
  const end = network.now + options.hours * 3_600_000
  let breaks = 0
  const breakOne = () => {
    const node = pick(network)
    const peer = [...node.neighbors][0]
    if (peer !== undefined) {
      breaks++
      network.breakLink(node, peer)
    }
    network.at(network.now + (20 * 3_600_000 * network.random()) / options.nodes, breakOne)
  }
  network.at(network.now, breakOne)
  network.run(end - network.now)
  const memberHours = options.nodes * options.hours
  return [
    { name: "member-hours", value: memberHours, unit: "h" },
    { name: "connections broken", value: breaks, unit: "" },
    { name: "suspicions of a member, seen by all nodes", value: suspected / options.nodes, unit: "" },
    { name: "false departures", value: departures, unit: "" },
    {
      name: "false departures in 10^4 member-hours",
      value: (departures / memberHours) * 10_000,
      unit: "",
      limit: 1,
    },
  ]
}

/** Bytes that a node sends: at first nobody comes or goes, then members stay an hour each and leave; at last a fifth of them crashes instead. */
export const bytes = (options: ScenarioOptions): ReadonlyArray<Figure> => {
  const network = networkOf(options)
  build(network, options.nodes, true)
  const { nodes } = options
  /** Bytes a second of a node. */
  const measured = (ms: number): Traffic => {
    const before = { ...network.traffic }
    network.run(ms)
    return trafficSince(network.traffic, before, 1_000 / ms / nodes)
  }
  const idle = measured(options.isControl ? 10_000 : BYTES_MS)
  const figures: Array<Figure> = [
    { name: `presence, idle, ${nodes} members`, value: presenceBytes(idle), unit: "B/s" },
    { name: "membership of gossip, idle", value: idle.membership, unit: "B/s" },
  ]
  if (options.isControl) return figures
  // The entries of members that came to a full swarm: those of the first ones expire early, and nobody stays for so long now.
  network.isDirect = true
  for (const node of network.nodes.values()) network.renew(node)
  network.run(1_000)
  network.isDirect = false
  let next = nodes
  let crashes = 0
  let isDone = false
  const replaceOne = () => {
    if (isDone) return
    const node = pick(network)
    if (network.random() < crashes) network.crash(node)
    else network.leave(node)
    network.add(next++, [pick(network), pick(network)], true)
    network.at(network.now + (2 * 3_600_000 * network.random()) / nodes, replaceOne)
  }
  replaceOne()
  network.run(120_000)
  const churn = measured(BYTES_MS)
  crashes = 0.2
  network.run(60_000)
  const withCrashes = measured(BYTES_MS)
  isDone = true
  network.run(60_000)
  return [
    ...figures,
    { name: `presence, members stay an hour, ${nodes} members`, value: presenceBytes(churn), unit: "B/s", limit: 300 },
    ...Object.entries(churn).map(([kind, value]) => ({ name: `- ${kind}`, value, unit: "B/s" })),
    { name: "presence, and a fifth of them crashes", value: presenceBytes(withCrashes), unit: "B/s" },
    { name: "nodes that do not show all at the end", value: disagreeing(network), unit: "", limit: 0 },
  ]
}

const disagreeing = (network: PresenceNetwork): number => {
  let count = 0
  for (const node of network.nodes.values()) if (node.presence?.count !== network.nodes.size) count++
  return count
}

/** The swarm is cut into two halves for three minutes; then some nodes ask a node of the other half. */
export const split = (options: ScenarioOptions): ReadonlyArray<Figure> => {
  const network = networkOf(options)
  build(network, options.nodes, true)
  let i = 0
  for (const node of network.nodes.values()) node.group = i++ % 2
  network.cut()
  network.run(180_000)
  const half = Math.ceil(options.nodes / 2)
  let ghosts = 0
  for (const { presence } of network.nodes.values()) ghosts += Math.abs((presence?.count ?? 0) - half)
  for (const node of network.nodes.values()) node.group = 0
  const all = [...network.nodes.values()]
  network.connect(all[0]!, all[1]!)
  network.run(5_000, () => [...all[0]!.neighbors].includes(all[1]!.key))
  const start = network.now
  for (const [a, b] of [
    [2, 5],
    [4, 9],
  ] as const) {
    if (all[a] !== undefined && all[b] !== undefined) network.connect(all[a], all[b])
  }
  network.run(60_000, () => allKnow(network))
  return [
    { name: "members shown too many or too few in a half, per node", value: ghosts / options.nodes, unit: "" },
    { name: "one view after the first link", value: network.now - start, unit: "ms", limit: 5_000 },
    { name: "nodes that do not show all after 60 s", value: disagreeing(network), unit: "", limit: 0 },
  ]
}

export const scenarios = { cold, leave, crash, false: falseDepartures, bytes, split } as const
