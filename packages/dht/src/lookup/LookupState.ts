/**
 * An iterative lookup (Kademlia, section 2.3; BEP 5) as plain state: named nodes and the outcome of each query go in, the node
 * to ask next comes out. It knows no clock, socket or message. It is finished when the k closest nodes that are not given up have
 * all answered.
 */

import { addressNumber, addressNumberAt } from "../krpc/compactNodes.ts"
import { compareBytes, compareDistance, ipv4, isPrivate, MAX_NODES_PER_HOST } from "../krpc/nodeId.ts"
import type { DhtAddress, DhtNode } from "../model.ts"
import type { AnsweredNode } from "./ClosestNodes.ts"

export interface LookupStateOptions {
  /** The number of closest nodes that must have answered: 20 in mainline clients that store items, 8 in BEP 5. */
  readonly k: number
  /** The maximum number of queries, however many nodes the answers name. */
  readonly maxQueries: number
  /** Whether the nodes around the target are known, so that only nodes nearer than the k known ones are of interest. */
  readonly knowsNearest?: boolean
}

/** A node of this lookup. `fresh` → `asked` → `answered`, or `asked` → `slow` → `answered` or `lost`. */
export interface Candidate extends DhtAddress {
  /** Undefined for a bootstrap node until it answers. */
  id: Uint8Array | undefined
  state: "fresh" | "asked" | "slow" | "answered" | "lost"
  token: Uint8Array | undefined
}

export class LookupState {
  readonly target: Uint8Array
  private readonly options: LookupStateOptions
  /** Nodes whose id is known, closest first. */
  private readonly candidates: Array<Candidate> = []
  /** Nodes of which only the address is known: asked before all others. */
  private readonly seeds: Array<Candidate> = []
  /** The addresses of all these. */
  private readonly known = new Set<number>()
  /** The number of known nodes of each public host. */
  private readonly hosts = new Map<string, number>()
  private asked = 0
  private answers = 0

  constructor(target: Uint8Array, options: LookupStateOptions) {
    this.target = target
    this.options = options
  }

  /** Whether there is no node to ask. */
  get isEmpty(): boolean {
    return this.candidates.length === 0 && this.seeds.length === 0
  }

  /** The number of nodes asked. */
  get queries(): number {
    return this.asked
  }

  /** The number of nodes that answered. */
  get answerCount(): number {
    return this.answers
  }

  /** Adds a node of which only the address is known. */
  addSeed(address: DhtAddress): void {
    if (!this.admit(address)) return
    this.seeds.push({ host: address.host, port: address.port, id: undefined, state: "fresh", token: undefined })
  }

  /** Adds a named node. One address has one place in a lookup, with however many ids it is named. */
  addNode(node: DhtNode): void {
    if (!this.admit(node)) return
    this.insert({ host: node.host, port: node.port, id: node.id, state: "fresh", token: undefined }, node.id)
  }

  /** Whether the node that begins at `at` of compact node info is unknown and may be asked. */
  wants(compact: Uint8Array, at: number): boolean {
    if (this.known.has(addressNumberAt(compact, at))) return false
    if (this.options.knowsNearest !== true) return true
    let live = 0
    for (const { state, id } of this.candidates) {
      if (isGivenUp(state)) continue
      if (id !== undefined && compareDistance(this.target, compact, id, at) < 0) return true
      if (++live === this.options.k) return false
    }
    return true
  }

  /** The number of nodes with a known id that are not given up. */
  get live(): number {
    let live = 0
    for (const { state } of this.candidates) if (!isGivenUp(state)) live++
    return live
  }

  /**
   * The node to ask now, marked as asked; undefined if there is none to ask before more is known. A node with a known id is
   * returned only if it is one of the `among` nearest that are not given up.
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

  /** The candidate answered under this id and named these nodes. An answer under another id than the named one counts as lost. */
  answered(candidate: Candidate, id: Uint8Array, token: Uint8Array | undefined, nodes: ReadonlyArray<DhtNode>): void {
    if (candidate.id !== undefined && compareBytes(candidate.id, id) !== 0) {
      this.lost(candidate)
      return
    }
    candidate.state = "answered"
    candidate.token = token
    this.answers++
    if (candidate.id === undefined) {
      candidate.id = id
      this.seeds.splice(this.seeds.indexOf(candidate), 1)
      this.insert(candidate, id)
    }
    for (let i = 0; i < nodes.length && i < MAX_NAMED_NODES; i++) this.addNode(nodes[i]!)
  }

  /** The candidate takes longer than expected: the lookup goes on as if it were not there. */
  slow(candidate: Candidate): void {
    if (candidate.state === "asked") candidate.state = "slow"
  }

  /** The candidate did not answer, or answered with an error. */
  lost(candidate: Candidate): void {
    candidate.state = "lost"
  }

  /**
   * Whether the lookup is over. As long as no node has answered, nodes that are only slow are waited for: on a slow network all
   * of them are.
   */
  get finished(): boolean {
    if (this.seeds.some((seed) => this.isAwaited(seed)) || this.awaitsClosest()) return false
    if (this.answers > 0) return true
    return !this.seeds.some(isSlow) && !this.candidates.some(isSlow)
  }

  /** Whether the `count` nearest nodes that are not given up have all answered. */
  hasNearest(count: number): boolean {
    if (this.answers < count) return false
    let answered = 0
    for (const { state } of this.candidates) {
      if (isGivenUp(state)) continue
      if (state !== "answered") return false
      if (++answered === count) return true
    }
    return false
  }

  /** The k closest nodes that answered, closest first. */
  get closest(): ReadonlyArray<AnsweredNode> {
    const closest: Array<AnsweredNode> = []
    for (const { id, host, port, token, state } of this.candidates) {
      if (state !== "answered" || id === undefined) continue
      closest.push({ id, host, port, token })
      if (closest.length === this.options.k) break
    }
    return closest
  }

  /** Whether one of the k closest nodes that are not given up has not answered yet. */
  private awaitsClosest(): boolean {
    let live = 0
    for (const candidate of this.candidates) {
      if (isGivenUp(candidate.state)) continue
      if (this.isAwaited(candidate)) return true
      if (++live === this.options.k) return false
    }
    return false
  }

  /** When all queries are used, the fresh nodes will never be asked: they must not keep the lookup from ending. */
  private isAwaited({ state }: Candidate): boolean {
    return state === "asked" || (state === "fresh" && this.asked < this.options.maxQueries)
  }

  /** Whether the address is new and its host has room; then it counts as known. */
  private admit({ host, port }: DhtAddress): boolean {
    const ip = ipv4(host)
    if (ip === undefined) return false
    const address = addressNumber(ip, port)
    if (this.known.has(address)) return false
    if (!isPrivate(ip)) {
      const onHost = this.hosts.get(host) ?? 0
      if (onHost >= MAX_NODES_PER_HOST) return false
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

/** Nodes taken from one answer. Honest nodes name 8 or 20. */
const MAX_NAMED_NODES = 32

const isGivenUp = (state: Candidate["state"]): boolean => state === "slow" || state === "lost"
const isFresh = (candidate: Candidate): boolean => candidate.state === "fresh"
const isSlow = (candidate: Candidate): boolean => candidate.state === "slow"
