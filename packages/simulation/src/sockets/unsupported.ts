/** The parts of a scenario that real packets do not support. */
import type { TopicScenario } from "../scenario/TopicScenario.ts"

/** All nodes of a run are in one process. With more nodes, the load of the process would change the figures. */
const MAX_NODES = 20
const MAX_DHT_NODES = 100

/** The first unsupported key and the reason; undefined if all keys are supported. */
export const unsupported = ({ dht, links, nodes, suspension }: TopicScenario): string | undefined => {
  if (dht.model !== "fixed-hops") return "dht.model: not with --sockets: the DHT is one of real nodes on loopback"
  const checks: ReadonlyArray<readonly [key: string, isUnsupported: boolean, reason: string]> = [
    ["nodes", nodes > MAX_NODES, `at most ${MAX_NODES} real nodes`],
    ["dht.nodes", dht.nodes > MAX_DHT_NODES, `at most ${MAX_DHT_NODES} real nodes`],
    ["dht.stale", dht.stale > 0, "real nodes answer with what they hold"],
    ["dht.keep_first", dht.keepFirst > 0 && dht.keepFirst < 1, "all real nodes keep the first, or none"],
    ["dht.hostile", dht.hostile !== undefined, "there is no attacker over real packets"],
    [
      "dht.lost_puts",
      Math.abs(1 - (1 - dht.lostPuts) ** 2 - dht.lostGets) > 0.02,
      "queries and answers of real packets are lost at the same rate: lost_gets = 1 - (1 - lost_puts)^2",
    ],
    ["suspend", suspension !== undefined, "the machine that runs them would be suspended"],
    ["links.nat", links.nat > 0, "the relay has no NAT"],
  ]
  const found = checks.find(([, isUnsupported]) => isUnsupported)
  return found === undefined ? undefined : `${found[0]}: not with --sockets: ${found[2]}`
}
