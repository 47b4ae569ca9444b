/** A search without success in one line: its attempts, its results, and the most likely reason. */

/** Figures of a topic that has no neighbour. */
export interface AloneFigures {
  /** DHT nodes that have answered and are in the routing table. */
  readonly dhtNodes: number
  readonly lookups: number
  /** Items of the topic's slots that were read, and those of them that this node's secret does not open. */
  readonly items: number
  readonly unopened: number
  /** Records of this node that the DHT stored. */
  readonly recordsPublished: number
  /** Requests to peers that records name. */
  readonly dials: number
}

/** The page with more explanations. */
const PAGE = "docs/when-nobody-is-found.md"

export const aloneSummary = (figures: AloneFigures): string => {
  const { dhtNodes, dials, items, lookups, recordsPublished } = figures
  const tried = `${lookups} lookups, ${items} items read, ${recordsPublished} records published, ${dials} dials, ${dhtNodes} DHT nodes known`
  return `${tried}. ${reason(figures)} See ${PAGE}`
}

const reason = ({ dhtNodes, dials, items, recordsPublished, unopened }: AloneFigures): string => {
  if (dhtNodes === 0) return "No DHT node has answered: UDP or DNS may be blocked, or the bootstrap nodes are down."
  if (dials > 0)
    return "Peers were found but none could be reached: a NAT or a firewall may be between them and this node."
  if (unopened > 0 && unopened === items) {
    return "No record opens: its node has another secret, or another program puts items into the slot."
  }
  if (recordsPublished === 0)
    return "Nothing could be published: the DHT nodes near the topic's slot do not store items."
  return "No other node was found: none runs under this name, or its clock or this one is wrong."
}
