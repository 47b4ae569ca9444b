/**
 * An iterative lookup (Kademlia, section 2.3; BEP 5) as a value: nodes heard of and what became of each go in, the node to
 * ask next comes out. It knows no clock, socket or message. It ends when the k closest nodes that are not given up have all
 * answered.
 */
import type { DhtAddress } from "../Dht.ts"
import {
  addressNumber,
  addressNumberAt,
  compareBytes,
  compareDistance,
  type DhtNode,
  ipv4,
  isPrivate,
  nodesPerHost,
} from "../nodeId.ts"
import type { HeardNode } from "./heardNodes.ts"

export interface WalkOptions {
  /** How many of the closest nodes must have answered: 20 in mainline clients that store items, 8 in BEP 5. */
  readonly k: number
  /** Ask no more nodes than this, whatever the answers name. */
  readonly maxQueries: number
  /** Whether who walks knows what lies around the target, so that only nodes nearer than the k it has are news. */
  readonly knowsVicinity?: boolean
}

/** A node of this walk. `fresh` → `asked` → `heard`, or `asked` → `slow` → `heard` or `lost`. */
export interface Candidate extends DhtAddress {
  /** Undefined for a bootstrap node until it answers. */
  id: Uint8Array | undefined
  state: "fresh" | "asked" | "slow" | "heard" | "lost"
  token: Uint8Array | undefined
}

export class Walk {
  readonly target: Uint8Array
  private readonly options: WalkOptions
  /** Nodes whose id is known, closest first. */
  private readonly candidates: Array<Candidate> = []
  /** Nodes known by address only: asked before all others. */
  private readonly seeds: Array<Candidate> = []
  /** The addresses of all these. */
  private readonly known = new Set<number>()
  /** How many nodes of a public host are known. */
  private readonly hosts = new Map<string, number>()
  private asked = 0
  private heardCount = 0

  constructor(target: Uint8Array, options: WalkOptions) {
    this.target = target
    this.options = options
  }

  /** Whether there is nobody to ask. */
  get isEmpty(): boolean {
    return this.candidates.length === 0 && this.seeds.length === 0
  }

  /** How many nodes were asked. */
  get queries(): number {
    return this.asked
  }

  /** How many nodes answered. */
  get heard(): number {
    return this.heardCount
  }

  /** Adds a node that is known by its address only. */
  seed(address: DhtAddress): void {
    if (!this.isNew(address)) return
    this.seeds.push({ host: address.host, port: address.port, id: undefined, state: "fresh", token: undefined })
  }

  /** Adds a node heard of. One address has one place in a walk, whatever ids it claims. */
  add(node: DhtNode): void {
    if (!this.isNew(node)) return
    this.insert({ host: node.host, port: node.port, id: node.id, state: "fresh", token: undefined }, node.id)
  }

  /** Whether the node that begins at `at` of compact node info is unknown and may be asked. */
  wants(compact: Uint8Array, at: number): boolean {
    if (this.known.has(addressNumberAt(compact, at))) return false
    if (this.options.knowsVicinity !== true) return true
    let live = 0
    for (const { state, id } of this.candidates) {
      if (isGivenUp(state)) continue
      if (id !== undefined && compareDistance(this.target, compact, id, at) < 0) return true
      if (++live === this.options.k) return false
    }
    return true
  }

  /** How many of the nodes whose id is known are not given up. */
  get live(): number {
    let live = 0
    for (const { state } of this.candidates) if (!isGivenUp(state)) live++
    return live
  }

  /**
   * The node to ask now, marked as asked; undefined when there is none to ask before more is known. Of those whose id is known it
   * is one of the `among` nearest that are not given up.
   */
  next(among = this.options.k): Candidate | undefined {
    if (this.asked >= this.options.maxQueries) return undefined
    const candidate = this.seeds.find(isFresh) ?? this.closestFresh(among)
    if (candidate === undefined) return undefined
    candidate.state = "asked"
    this.asked++
    return candidate
  }

  private closestFresh(among: number): Candidate | undefined {
    let live = 0
    for (const candidate of this.candidates) {
      if (candidate.state === "fresh") return candidate
      if (!isGivenUp(candidate.state) && ++live === among) return undefined
    }
    return undefined
  }

  /** The candidate answered under this id and named these nodes. An answer under another id than was claimed is no use. */
  answered(candidate: Candidate, id: Uint8Array, token: Uint8Array | undefined, nodes: ReadonlyArray<DhtNode>): void {
    if (candidate.id !== undefined && compareBytes(candidate.id, id) !== 0) {
      this.lost(candidate)
      return
    }
    candidate.state = "heard"
    candidate.token = token
    this.heardCount++
    if (candidate.id === undefined) {
      candidate.id = id
      this.seeds.splice(this.seeds.indexOf(candidate), 1)
      this.insert(candidate, id)
    }
    for (let i = 0; i < nodes.length && i < namedNodesMax; i++) this.add(nodes[i]!)
  }

  /** The candidate takes longer than it should: the walk goes on as if it were not there. */
  slow(candidate: Candidate): void {
    if (candidate.state === "asked") candidate.state = "slow"
  }

  /** The candidate did not answer, or answered with an error. */
  lost(candidate: Candidate): void {
    candidate.state = "lost"
  }

  /**
   * Whether nothing more is to be learnt. As long as nobody has answered, nodes that are only slow are waited for: on a slow
   * network all are.
   */
  get finished(): boolean {
    if (this.seeds.some((seed) => this.isAwaited(seed)) || this.awaitsClosest()) return false
    if (this.heardCount > 0) return true
    return !this.seeds.some(isSlow) && !this.candidates.some(isSlow)
  }

  /** Whether so many nodes have answered and, of those not given up, none that is nearer is yet to. */
  isNear(count: number): boolean {
    if (this.heardCount < count) return false
    let heard = 0
    for (const { state } of this.candidates) {
      if (isGivenUp(state)) continue
      if (state !== "heard") return false
      if (++heard === count) return true
    }
    return false
  }

  /** The k closest nodes that answered, closest first. */
  get closest(): ReadonlyArray<HeardNode> {
    const closest: Array<HeardNode> = []
    for (const { id, host, port, token, state } of this.candidates) {
      if (state !== "heard" || id === undefined) continue
      closest.push({ id, host, port, token })
      if (closest.length === this.options.k) break
    }
    return closest
  }

  /** Whether one of the k closest nodes that are not given up has yet to answer. */
  private awaitsClosest(): boolean {
    let live = 0
    for (const candidate of this.candidates) {
      if (isGivenUp(candidate.state)) continue
      if (this.isAwaited(candidate)) return true
      if (++live === this.options.k) return false
    }
    return false
  }

  /** Out of queries, the fresh ones will never be asked: they must not keep the walk from ending. */
  private isAwaited({ state }: Candidate): boolean {
    return state === "asked" || (state === "fresh" && this.asked < this.options.maxQueries)
  }

  private isNew({ host, port }: DhtAddress): boolean {
    const ip = ipv4(host)
    if (ip === undefined) return false
    const address = addressNumber(ip, port)
    if (this.known.has(address)) return false
    if (!isPrivate(ip)) {
      const onHost = this.hosts.get(host) ?? 0
      if (onHost >= nodesPerHost) return false
      this.hosts.set(host, onHost + 1)
    }
    this.known.add(address)
    return true
  }

  private insert(candidate: Candidate, id: Uint8Array): void {
    let low = 0
    let high = this.candidates.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareDistance(this.target, this.candidates[middle]!.id!, id) <= 0) low = middle + 1
      else high = middle
    }
    this.candidates.splice(low, 0, candidate)
  }
}

/** Nodes taken from one answer. Honest ones name 8 or 20. */
const namedNodesMax = 32

const isGivenUp = (state: Candidate["state"]): boolean => state === "slow" || state === "lost"
const isFresh = (candidate: Candidate): boolean => candidate.state === "fresh"
const isSlow = (candidate: Candidate): boolean => candidate.state === "slow"
