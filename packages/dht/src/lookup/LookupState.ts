/**
 * An iterative lookup (Kademlia, section 2.3; BEP 5) as plain state: named nodes and the outcome of each query go in, the node
 * to ask next comes out. It knows no clock, socket or message. It is finished when the k closest nodes that are not given up have
 * all answered; {@link Choice} says which ones those are.
 */
import { Bytes } from "@topic-tracker/common"
import { addressNumber, addressNumberAt } from "../krpc/compactNodes.ts"
import { compareDistance, ID_BYTES, ipv4 } from "../krpc/nodeId.ts"
import type { DhtAddress, DhtNode } from "../model.ts"
import { type Candidate, compareRank, isGivenUp, isPrompt, makeCandidate, type NamedId, setId } from "./Candidate.ts"
import { Choice, type LookupStateOptions } from "./Choice.ts"
import type { AnsweredNode } from "./ClosestNodes.ts"
import { NameSources, sourceOf } from "./NameSources.ts"
import { Promptness } from "./Promptness.ts"
import { SilentHosts } from "./SilentHosts.ts"
import type { NodeOutcomes } from "./Subscriber.ts"

/** Nodes taken from one answer. Honest nodes name 8 or 20. */
const MAX_NAMED_NODES = 32

/** Ids under which one address may be named by different sources. */
const MAX_OTHER_IDS = 8

export class LookupState {
  readonly target: Uint8Array
  private readonly options: LookupStateOptions
  /** Nodes whose id is known, in the order of {@link compareRank}. */
  private readonly candidates: Array<Candidate> = []
  /** Nodes of which only the address is known: asked before all others. */
  private readonly seeds: Array<Candidate> = []
  /** Nodes that are asked wherever they are. */
  private readonly drawn: Array<Candidate> = []
  /** All these by {@link addressNumber}. */
  private readonly known = new Map<number, Candidate>()
  private readonly sources = new NameSources()
  private readonly hosts = new SilentHosts()
  private readonly promptness = new Promptness()
  private readonly choice: Choice
  /** The nearest nodes, with the late ones and without; undefined if they may have changed. */
  private nearestNow: ReadonlyArray<Candidate> | undefined
  private promptNow: ReadonlyArray<Candidate> | undefined
  private asked = 0
  private answers = 0
  /** Doubted names that may still be asked in place of missing others; undefined before they are missed. */
  private doubtedLeft: number | undefined

  constructor(target: Uint8Array, options: LookupStateOptions) {
    this.target = target
    this.options = options
    const { candidates, hosts, sources } = this
    this.choice = new Choice({ target, options, candidates, hosts, sources })
  }

  /** Whether there is no node to ask. */
  get isEmpty(): boolean {
    return this.candidates.length === 0 && this.seeds.length === 0 && this.drawn.length === 0
  }

  /** The number of nodes asked. */
  get queries(): number {
    return this.asked
  }

  /** The number of nodes that answered. */
  get answerCount(): number {
    return this.answers
  }

  /** The number of hosts whose names were dropped because most of them were silent. */
  get doubtedSources(): number {
    return this.sources.doubtedCount
  }

  /** The outcomes at the `count` nodes nearest to the target that were asked, and at those that were drawn. Open queries do not count. */
  outcomes(count: number): NodeOutcomes {
    let [answered, silent] = [0, 0]
    for (const { state } of [...this.drawn, ...this.candidates]) {
      if (answered + silent === count) break
      if (state === "answered") answered++
      else if (state !== "fresh" && state !== "asked") silent++
    }
    return { answered, silent }
  }

  /** Adds a node of which only the address is known. */
  addSeed(address: DhtAddress): void {
    const seed = this.admit(address, undefined, undefined)
    if (seed !== undefined) this.seeds.push(seed)
  }

  /** Adds a known node that is asked wherever it is. */
  addDrawn(node: DhtNode): void {
    const drawn = this.admit(node, node.id, undefined)
    if (drawn !== undefined) this.drawn.push(drawn)
  }

  /** Adds a named node. One address has one place in a lookup, with however many ids it is named. */
  addNode(node: DhtNode, source?: number): void {
    if (this.dropsNamesOf(source)) return
    const named = this.admit(node, node.id, source)
    if (named !== undefined) this.insert(named)
  }

  /** Whether the node that begins at `at` of compact node info is unknown and may be asked. `from` names it. */
  wants(compact: Uint8Array, at: number, from?: Candidate): boolean {
    const source = from && sourceOf(from)
    if (this.dropsNamesOf(source)) return false
    const known = this.known.get(addressNumberAt(compact, at))
    if (known !== undefined) {
      this.nameAgain(known, compact.subarray(at, at + ID_BYTES), source)
      return false
    }
    if (this.options.knowsNearest !== true) return true
    const { nearest } = this
    if (nearest.length < this.options.k) return true
    return compareDistance(this.target, compact, nearest[nearest.length - 1]!.id!, at) < 0
  }

  /** Whether names of the source are not even kept. As long as few nodes have answered, its names may be needed. */
  private dropsNamesOf(source: number | undefined): boolean {
    return this.answers >= this.options.k && this.sources.isDoubted(source)
  }

  /** The number of nodes with a known id that are neither given up nor late. */
  get live(): number {
    let live = 0
    for (const candidate of this.candidates) if (isPrompt(candidate)) live++
    for (const candidate of this.drawn) if (isPrompt(candidate)) live++
    return live
  }

  /**
   * The node to ask now, marked as asked; undefined if there is none to ask before more is known. A node with a known id is
   * returned only if it is one of the nearest that are neither given up nor late, or was drawn: of the `among` nearest, and of as many
   * more as make up for those that are late in this lookup.
   */
  next(among = Number.POSITIVE_INFINITY): Candidate | undefined {
    if (this.asked >= this.options.maxQueries) return undefined
    const candidate = this.seeds.find(isFresh) ?? this.closestFresh(among) ?? this.drawn.find(isFresh)
    if (candidate === undefined) return undefined
    if (this.doubtedLeft !== undefined && this.choice.isDoubted(candidate) && --this.doubtedLeft === 0) {
      this.nearestNow = undefined
    }
    candidate.state = "asked"
    this.asked++
    return candidate
  }

  private closestFresh(among: number): Candidate | undefined {
    const { prompt } = this
    const count = Math.min(prompt.length, this.promptness.widened(among))
    for (let i = 0; i < count; i++) if (prompt[i]!.state === "fresh") return prompt[i]
    return undefined
  }

  /**
   * The candidate answered under this id and named these nodes. An answer under another id than the named one counts as lost,
   * unless the address was named under that id too: otherwise a wrong id would suffice to hide a node.
   */
  answered(candidate: Candidate, id: Uint8Array, token: Uint8Array | undefined, nodes: ReadonlyArray<DhtNode>): void {
    candidate.token = token
    if (candidate.id === undefined) {
      this.seeds.splice(this.seeds.indexOf(candidate), 1)
      setId(candidate, id)
      this.insert(candidate)
    } else if (!Bytes.equals(candidate.id, id) && !this.takeOtherId(candidate, id)) {
      candidate.answeredAs = id
      this.lost(candidate)
      return
    }
    if (candidate.state === "asked") this.promptness.prompt++
    this.accept(candidate)
    this.addNamed(nodes, candidate)
  }

  /** A node of which only the address was known has told its id, and named nodes. It is asked again if it is among the nearest. */
  identified(candidate: Candidate, id: Uint8Array, nodes: ReadonlyArray<DhtNode>): void {
    const index = this.seeds.indexOf(candidate)
    if (index < 0) return
    this.seeds.splice(index, 1)
    setId(candidate, id)
    this.hosts.setState(candidate, "fresh")
    this.insert(candidate)
    this.addNamed(nodes, candidate)
  }

  /** Adds the nodes that an answer of `from` names. */
  addNamed(nodes: ReadonlyArray<DhtNode>, from: Candidate): void {
    const source = sourceOf(from)
    for (let i = 0; i < nodes.length && i < MAX_NAMED_NODES; i++) this.addNode(nodes[i]!, source)
  }

  private accept(candidate: Candidate): void {
    this.hosts.setState(candidate, "answered")
    this.answers++
    this.nearestNow = undefined
    this.sources.countAnswered(candidate)
  }

  /** The candidate takes longer than most: another node is asked too. An answer or a time-out is still to come. */
  late(candidate: Candidate): void {
    if (candidate.state !== "asked") return
    candidate.state = "late"
    this.promptNow = undefined
    // A bootstrap node may be silent because it knows no items, which tells nothing about the others.
    if (candidate.id !== undefined) this.promptness.late++
  }

  /** The candidate takes longer than expected: the lookup goes on as if it were not there. */
  slow(candidate: Candidate): void {
    if (candidate.state !== "asked" && candidate.state !== "late") return
    this.hosts.setState(candidate, "slow")
    this.countSilent(candidate)
  }

  /** The candidate did not answer, or answered with an error. */
  lost(candidate: Candidate): void {
    this.hosts.setState(candidate, "lost")
    this.countSilent(candidate)
  }

  /**
   * Whether the lookup is over. Late nodes are waited for only if fewer than k others have answered. As long as no node has answered,
   * nodes that are slow are waited for too: on a slow network all of them are.
   */
  get finished(): boolean {
    for (const seed of this.seeds) if (this.isAwaited(seed)) return false
    const { nearest, prompt } = this
    for (const near of prompt) if (this.isAwaited(near)) return false
    const isEnough = prompt.length >= this.options.k
    for (const drawn of this.drawn) if (this.isAwaited(drawn) && !(isEnough && drawn.state === "late")) return false
    if (!isEnough) for (const near of nearest) if (this.isAwaited(near)) return false
    if (this.answers > 0) return true
    return !this.seeds.some(isSlow) && !this.drawn.some(isSlow) && !this.candidates.some(isSlow)
  }

  /**
   * A finished lookup asks doubted names too, if fewer than k nodes have answered: honest nodes lose their credit where half of all nodes are
   * silent. Returns whether there are any.
   */
  askDoubted(): boolean {
    const { k } = this.options
    if (this.doubtedLeft !== undefined || this.sources.doubtedCount === 0 || this.closest.length >= k) return false
    this.doubtedLeft = k
    this.nearestNow = undefined
    return !this.finished
  }

  /** Whether the `count` nearest nodes that are neither given up nor late have all answered, and such that were drawn. */
  hasNearest(count: number): boolean {
    if (this.answers < count) return false
    const { prompt } = this
    for (let i = 0; i < prompt.length && i < count; i++) if (prompt[i]!.state !== "answered") return false
    return !this.drawn.some((drawn) => this.isAwaited(drawn) && drawn.state !== "late")
  }

  /** The closest nodes that answered: k, or more if the k are suspiciously close. The closest is first. */
  get closest(): ReadonlyArray<AnsweredNode> {
    return this.choice
      .choose((candidate) => candidate.state === "answered")
      .map(({ id, host, port, token }) => ({
        id: id!,
        host,
        port,
        token,
      }))
  }

  /** See `Choice.hiddenWithin`. */
  get hiddenWithin(): number {
    return this.choice.hiddenWithin
  }

  /** See `Choice.farthest`. */
  farthest(count: number): ReadonlyArray<Candidate> {
    return this.choice.farthest(count)
  }

  /** The nodes to wait for if they are few. */
  private get nearest(): ReadonlyArray<Candidate> {
    if (this.nearestNow === undefined) {
      this.nearestNow = this.chosen((candidate) => !isGivenUp(candidate))
      this.promptNow = undefined
    }
    return this.nearestNow
  }

  /** The nodes to ask and to wait for. */
  private get prompt(): ReadonlyArray<Candidate> {
    const { nearest } = this
    this.promptNow ??= nearest.every(isPrompt) ? nearest : this.chosen(isPrompt)
    return this.promptNow
  }

  private chosen(isEligible: (candidate: Candidate) => boolean): ReadonlyArray<Candidate> {
    const { choice, doubtedLeft, options } = this
    if (doubtedLeft === undefined) return choice.choose(isEligible)
    // At the same time, not one in place of the other: most of them may be silent.
    const places = 2 * options.k
    if (doubtedLeft > 0) return choice.choose(isEligible, places)
    return choice.choose((one) => isEligible(one) && !(isFresh(one) && choice.isDoubted(one)), places)
  }

  /** When all queries are used, the fresh nodes will never be asked: they must not keep the lookup from ending. */
  private isAwaited({ state }: Candidate): boolean {
    return state === "asked" || state === "late" || (state === "fresh" && this.asked < this.options.maxQueries)
  }

  /** A candidate for an address that is new; undefined otherwise. */
  private admit(address: DhtAddress, id: Uint8Array | undefined, source: number | undefined): Candidate | undefined {
    const ip = ipv4(address.host)
    if (ip === undefined) return undefined
    const number = addressNumber(ip, address.port)
    const known = this.known.get(number)
    if (known !== undefined) {
      if (id !== undefined) this.nameAgain(known, id, source)
      return undefined
    }
    const candidate = makeCandidate(address, ip, id, source, this.options.reachOf)
    this.known.set(number, candidate)
    return candidate
  }

  /** A source names an address that is known, perhaps under another id. */
  private nameAgain(known: Candidate, id: Uint8Array, source: number | undefined): void {
    if (known.state === "answered" || known.id === undefined) return
    if (Bytes.equals(known.id, id)) {
      if (this.sources.addSource(known, source)) this.nearestNow = undefined
      return
    }
    this.nearestNow = undefined
    if (known.answeredAs !== undefined && Bytes.equals(known.answeredAs, id)) {
      this.rename(known, { id, sources: source === undefined ? undefined : [source] })
      this.accept(known)
      return
    }
    known.otherIds ??= []
    const other = known.otherIds.find((named) => Bytes.equals(named.id!, id))
    if (other !== undefined) {
      this.sources.addSource(other, source)
      if (known.state === "fresh" && this.choice.isDoubted(known)) this.swapId(known, other)
    } else if (known.otherIds.length < MAX_OTHER_IDS) {
      const named = { id: id.slice(), sources: source === undefined ? undefined : [source] }
      known.otherIds.push(named)
      // A wrong id must not put a node farther away than it is.
      const isBetter = compareDistance(this.target, id, known.id) < 0 || this.choice.isDoubted(known)
      if (known.state === "fresh" && isBetter) this.swapId(known, named)
    }
  }

  /** Whether the address was also named under this id, which it then has. Its present id was a wrong one. */
  private takeOtherId(candidate: Candidate, id: Uint8Array): boolean {
    const other = candidate.otherIds?.find((named) => Bytes.equals(named.id!, id))
    if (other === undefined) return false
    this.countSilent(candidate)
    candidate.blamed = undefined
    this.rename(candidate, other)
    return true
  }

  /** The candidate is asked under the other id; its present one is kept as an other one. */
  private swapId(candidate: Candidate, other: NamedId): void {
    const before: NamedId = { id: candidate.id, sources: candidate.sources }
    this.rename(candidate, other)
    candidate.otherIds!.splice(candidate.otherIds!.indexOf(other), 1, before)
  }

  private rename(candidate: Candidate, { id, sources }: NamedId): void {
    const isDrawn = this.drawn.includes(candidate)
    if (!isDrawn) this.candidates.splice(this.candidates.indexOf(candidate), 1)
    setId(candidate, id!)
    candidate.sources = sources
    if (!isDrawn) this.insert(candidate)
  }

  private countSilent(candidate: Candidate): void {
    this.nearestNow = undefined
    if (!this.sources.countSilent(candidate)) return
    // Nodes that a doubted source named under a wrong id are asked under the id that others named.
    for (const doubted of this.candidates.filter((one) => one.state === "fresh" && this.choice.isDoubted(one))) {
      const other = doubted.otherIds?.find((named) => !this.sources.isDoubtedName(named))
      if (other !== undefined) this.swapId(doubted, other)
    }
  }

  private insert(candidate: Candidate): void {
    this.nearestNow = undefined
    let low = 0
    let high = this.candidates.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareRank(this.target, this.candidates[middle]!, candidate) <= 0) low = middle + 1
      else high = middle
    }
    this.candidates.splice(low, 0, candidate)
  }
}

const isFresh = (candidate: Candidate): boolean => candidate.state === "fresh"
const isSlow = (candidate: Candidate): boolean => candidate.state === "slow"
