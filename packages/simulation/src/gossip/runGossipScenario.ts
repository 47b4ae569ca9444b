/**
 * Runs a scenario of the gossip protocol once: builds the swarm, then broadcasts in rounds. A round ends when every node has every
 * message, or after 5 simulated seconds. Follows iroh-gossip 0.101's `Simulator` (`src/proto/sim.rs`).
 */
import { Xoshiro128 } from "@topic-tracker/gossip/stateMachine"
import type { GossipScenario } from "../scenario/GossipScenario.ts"
import { type EventLog, LogHash } from "./EventLog.ts"
import { type Emitted, GossipNetwork, type OnHandled, topic } from "./GossipNetwork.ts"

/** The figures of a round, as defined by the PlumTree paper, section 4 (p. 10), and by iroh-gossip. */
export interface RoundStats {
  /** Relative message redundancy: payloads received / (deliveries - 1) - 1. 0 is a perfect tree. */
  readonly rmr: number
  /** Last delivery hop: the most hops that a payload took. */
  readonly ldh: number
  /** Deliveries that did not happen within the round. */
  readonly missed: number
  /** Simulated milliseconds until the last delivery. */
  readonly durationMs: number
}

export interface GossipRun {
  readonly rounds: ReadonlyArray<RoundStats>
  /** Nodes without a neighbour after the swarm was built. */
  readonly isolated: number
  /** The hash of the run's event log. */
  readonly logHash: string
}

const ROUND_TIMEOUT_MICROS = 5_000_000

/** The seed decides everything. `log` receives every event of the network, `onHandled` every event that a state has handled. */
export const runGossipScenario = (
  scenario: GossipScenario,
  seed: bigint,
  { log, onHandled }: { readonly log?: EventLog; readonly onHandled?: OnHandled } = {},
): GossipRun => {
  const hash = new LogHash()
  const rng = new Xoshiro128(seed)
  const both: EventLog = {
    addEntry: (at, node, kind, peer, detail) => {
      hash.addEntry(at, node, kind, peer, detail)
      log?.addEntry(at, node, kind, peer, detail)
    },
  }
  const network = new GossipNetwork({
    protocol: scenario.protocol,
    latency: scenario.latency,
    rng,
    log: log === undefined ? hash : both,
    onHandled,
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

const join = (network: GossipNetwork, index: number, ...peers: ReadonlyArray<number>): void => {
  network.insertNode(index)
  network.command(index, { _tag: "Join", topic, peers: peers.map(String) })
}

const bootstrap = (network: GossipNetwork, { bootstrap, nodes }: GossipScenario, rng: Xoshiro128): void => {
  const first = bootstrap._tag === "Single" ? nodes : bootstrap.count
  join(network, 0)
  for (let i = 1; i < first; i++) join(network, i, 0)
  if (bootstrap._tag === "Set") {
    network.runTrips(7)
    for (let i = first; i < nodes; i++) join(network, i, rng.nextInt(bootstrap.count))
  }
  network.runTrips(20)
}

const runRound = (network: GossipNetwork, senders: ReadonlyArray<number>, round: number): RoundStats => {
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
  network.runWhile(ROUND_TIMEOUT_MICROS, onEmitted)
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
