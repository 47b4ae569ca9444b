/**
 * Runs a scenario with one seed: the swarm is built, then broadcasts in rounds, each until every node has every message or
 * for 5 simulated seconds. Follows iroh-gossip 0.101's `Simulator` (`src/proto/sim.rs`).
 */
import { Xoshiro128 } from "@topic-tracker/gossip/stateMachine"
import { type EventLog, LogHash } from "../network/EventLog.ts"
import { type Emitted, Network, topic } from "../network/Network.ts"
import type { Scenario } from "./Scenario.ts"

/** What is measured in a round, in the sense of the PlumTree paper, section 4 (p. 10), and iroh-gossip. */
export interface RoundStats {
  /** Relative message redundancy: payloads received per delivery less one, minus 1. 0 is a perfect tree. */
  readonly rmr: number
  /** Last delivery hop: the most hops that a payload needed. */
  readonly ldh: number
  /** Deliveries that did not happen in time. */
  readonly missed: number
  /** Simulated milliseconds until the last delivery. */
  readonly durationMs: number
}

export interface RunResult {
  readonly rounds: ReadonlyArray<RoundStats>
  /** Nodes that had no neighbour when the swarm was built. */
  readonly isolated: number
  /** Hash of the run's event log. */
  readonly logHash: string
}

const roundTimeoutMicros = 5_000_000

/** `seed` decides everything. Every event also goes to `log` when one is given. */
export const runScenario = (scenario: Scenario, seed: bigint, log?: EventLog): RunResult => {
  const hash = new LogHash()
  const rng = new Xoshiro128(seed)
  const both: EventLog = {
    add: (at, node, kind, peer, detail) => {
      hash.add(at, node, kind, peer, detail)
      log?.add(at, node, kind, peer, detail)
    },
  }
  const network = new Network({
    protocol: scenario.protocol,
    latency: scenario.latency,
    rng,
    log: log === undefined ? hash : both,
  })
  bootstrap(network, scenario, rng)
  let isolated = 0
  for (const { state } of network.nodes.values()) if (state.neighbors(topic).length === 0) isolated++
  const rounds: Array<RoundStats> = []
  let sender = scenario.sim === "GossipSingle" ? rng.nextInt(scenario.nodes) : 0
  for (let round = 0; round < scenario.rounds; round++) {
    if (scenario.sim === "GossipMulti") sender = rng.nextInt(scenario.nodes)
    const senders = scenario.sim === "GossipAll" ? Array.from({ length: scenario.nodes }, (_, i) => i) : [sender]
    rounds.push(runRound(network, senders, round))
  }
  return { rounds, isolated, logHash: hash.hex }
}

const join = (network: Network, index: number, ...peers: ReadonlyArray<number>): void => {
  network.insert(index)
  network.command(index, { _tag: "Join", topic, peers: peers.map(String) })
}

const bootstrap = (network: Network, { bootstrap, nodes }: Scenario, rng: Xoshiro128): void => {
  const first = bootstrap._tag === "Single" ? nodes : bootstrap.count
  join(network, 0)
  for (let i = 1; i < first; i++) join(network, i, 0)
  if (bootstrap._tag === "Set") {
    network.runTrips(7)
    for (let i = first; i < nodes; i++) join(network, i, rng.nextInt(bootstrap.count))
  }
  network.runTrips(20)
}

const runRound = (network: Network, senders: ReadonlyArray<number>, round: number): RoundStats => {
  for (const { state } of network.nodes.values()) state.resetStats(topic)
  const start = network.now
  const expected = senders.length * (network.nodes.size - 1)
  for (const sender of senders) {
    // As in iroh-gossip: m0, m1 … from one sender, "round:0.sender" from all.
    const text = senders.length === 1 ? `m${round}` : `${round}:0.${sender}`
    network.command(sender, { _tag: "Broadcast", topic, content: new TextEncoder().encode(text), scope: "swarm" })
  }
  let delivered = 0
  const onEmitted = ({ event }: Emitted): boolean => {
    if (event._tag === "Received") delivered++
    return delivered < expected
  }
  network.runWhile(roundTimeoutMicros, onEmitted)
  let payloads = 0
  let ldh = 0
  for (const { state } of network.nodes.values()) {
    const stats = state.stats(topic)
    payloads += stats?.payloadMessagesReceived ?? 0
    ldh = Math.max(ldh, stats?.maxLastDeliveryHop ?? 0)
  }
  return {
    rmr: payloads / (delivered - 1) - 1,
    ldh,
    missed: expected - delivered,
    durationMs: (network.now - start) / 1_000,
  }
}
