/** What a scenario can ask of a simulation that real packets cannot give. */
import type { TopicScenario } from "../topics/TopicScenario.ts"

/** All nodes of a run are in one process; beyond this its own work would be what is measured. */
const maxNodes = 20
const maxDhtNodes = 100

/** The first key that cannot be, and why; undefined when all can. */
export const unsupported = ({ dht, links, nodes }: TopicScenario): string | undefined => {
  const wrong: ReadonlyArray<readonly [key: string, isWrong: boolean, why: string]> = [
    ["nodes", nodes > maxNodes, `at most ${maxNodes} real nodes`],
    ["dht.nodes", dht.nodes > maxDhtNodes, `at most ${maxDhtNodes} real nodes`],
    ["dht.stale", dht.stale > 0, "real nodes answer with what they hold"],
    ["dht.keep_first", dht.keepFirst > 0 && dht.keepFirst < 1, "all real nodes keep the first, or none"],
    ["dht.hostile", dht.hostile !== undefined, "nobody attacks over real packets"],
    [
      "dht.lost_puts",
      Math.abs(1 - (1 - dht.lostPuts) ** 2 - dht.lostGets) > 0.02,
      "of real packets queries and answers are lost alike: lost_gets = 1 - (1 - lost_puts)^2",
    ],
    ["links.nat", links.nat > 0, "the relay has no NAT"],
  ]
  const found = wrong.find(([, isWrong]) => isWrong)
  return found === undefined ? undefined : `${found[0]}: not with --sockets: ${found[2]}`
}
