/** One walk over the socket: who waits for it, what it has found, and whom it asks next. */
import type { DhtAddress, MutableItem, MutableKey } from "../Dht.ts"
import type { QueryEvent } from "../krpc/KrpcSocket.ts"
import type { Reply } from "../krpc/krpcMessage.ts"
import { MAX_VALUE_LENGTH, says } from "../mutableItem.ts"
import { compareBytes, type DhtNode, decodeNodes } from "../nodeId.ts"
import { type HeardNode, type PackedNodes, unpackNodes } from "./heardNodes.ts"
import type { Lookups } from "./Lookups.ts"
import type { Asker } from "./Turns.ts"
import { type Candidate, Walk } from "./Walk.ts"

/** Who waits for a walk. Neither is called before `subscribe` returns. */
export interface Subscriber {
  /** A distinct item whose signature holds. */
  readonly item: (item: MutableItem) => void
  readonly end: (outcome: WalkOutcome) => void
  readonly near?: AwaitNear | undefined
}

/** Called once, when the so many nodes nearest to the target have answered, unless the walk is over before. */
interface AwaitNear {
  readonly nodes: number
  readonly reached: (nearest: ReadonlyArray<HeardNode>) => void
}

export interface WalkOutcome {
  /** How many nodes were asked, and how many answered. */
  readonly asked: number
  readonly heard: number
  /** The client was closed before the walk was over. */
  readonly closed: boolean
}

/** A subscription can be ended early; a walk nobody waits for any more stops. */
export interface Subscription {
  readonly cancel: () => void
  /** Nodes that have answered so far. */
  readonly heard: () => number
}

export interface LookupOptions {
  /** Under which it runs. */
  readonly name: string
  readonly target: Uint8Array
  /** The key whose items to find; undefined when only nodes are looked for. */
  readonly key: MutableKey | undefined
  /** How many of the closest nodes to ask; fewer than a put must reach make it a walk in part. */
  readonly k: number
  /** The closest nodes as a walk of the last minutes found them. */
  readonly known: PackedNodes | undefined
}

/** Queries open before anybody has answered, and for a moment once there is an item. */
const FIRST_WIDTH = 4
/** That moment, in ms: shorter than most round trips, and enough for what is done because of the item to get under way. */
const NARROW_FOR = 20
/**
 * Somebody goes on with the nearest nodes: for so many ms the walk asks no others. Whoever is looked for is mostly met by then,
 * and the others' answers would have been in the way.
 */
export const NEAR_PAUSE = 30

export class Lookup implements Asker {
  /** Somebody waits for it who is to be served before others. */
  ahead = false
  /** The nearest nodes of the target are known, so that a walk in part may begin with them. */
  isNear = false
  readonly options: LookupOptions
  private readonly lookups: Lookups
  private readonly isPart: boolean
  private readonly walk: Walk
  private readonly subscribers = new Set<Subscriber>()
  /** Those who have yet to be given what was found before they joined. */
  private readonly newcomers = new Set<Subscriber>()
  private readonly awaitNear = new Set<AwaitNear>()
  private readonly items: Array<MutableItem> = []
  /** Until when the walk leaves room for others (monotonic, ms). */
  private narrowUntil = 0
  private pause: NodeJS.Timeout | undefined
  /** In part: how many of the known nodes have been added. */
  private drawn = 0
  private busy = 0
  /** Bootstrap nodes that were asked for nodes and have yet to name them. */
  private routers = 0
  private ended = false
  private begun = false

  constructor(lookups: Lookups, options: LookupOptions) {
    const { maxQueriesPerWalk, socket } = lookups.options
    const { target, k } = options
    this.lookups = lookups
    this.options = options
    this.isPart = k < lookups.options.k
    this.walk = new Walk(target, { k, maxQueries: maxQueriesPerWalk, knowsVicinity: this.isPart })
    this.addKnown()
    if (!this.walk.isEmpty) return
    // Everybody has kept somebody waiting: then it was us who were slow.
    socket.forgetAbsences()
    this.addKnown()
  }

  private addKnown(): void {
    const { target, known } = this.options
    if (this.isPart) {
      this.drawn = 0
      this.draw()
      return
    }
    if (known !== undefined) for (const node of unpackNodes(known)) this.add(node)
    const { nodes, addresses } = this.lookups.options.start(target)
    for (const node of nodes) this.add(node)
    for (const address of addresses) this.walk.seed(address)
  }

  join(subscriber: Subscriber): Subscription {
    const { near } = subscriber
    this.subscribers.add(subscriber)
    if (near !== undefined) this.awaitNear.add(near)
    if (this.items.length > 0) {
      this.newcomers.add(subscriber)
      queueMicrotask(() => this.welcome(subscriber))
    }
    if (!this.begun || near !== undefined) {
      this.begun = true
      queueMicrotask(() => this.step())
    }
    return { cancel: () => this.leave(subscriber), heard: () => this.walk.heard }
  }

  private welcome(newcomer: Subscriber): void {
    if (!this.newcomers.delete(newcomer)) return
    for (const item of this.items) newcomer.item(item)
  }

  private leave(subscriber: Subscriber): void {
    this.subscribers.delete(subscriber)
    this.newcomers.delete(subscriber)
    if (subscriber.near !== undefined) this.awaitNear.delete(subscriber.near)
    if (this.subscribers.size === 0) this.end(undefined)
  }

  /**
   * How many queries may be open now: few at first, two more with each answer, up to alpha. Mostly the first item is all that is
   * waited for, and many queries at once would delay it, and what is done because of it.
   */
  private get width(): number {
    if (this.pause !== undefined) return 0
    if (this.narrowUntil > 0 && this.lookups.options.now() < this.narrowUntil) return FIRST_WIDTH
    return Math.min(this.lookups.options.alpha, FIRST_WIDTH + 2 * this.walk.heard)
  }

  /** Of how many nearest nodes to ask the next: first those that somebody waits for, the others when these have answered. */
  private get among(): number | undefined {
    let among: number | undefined
    for (const { nodes } of this.awaitNear) among = Math.max(among ?? 0, nodes)
    return among
  }

  /** Asks the next node, if there is one and the walk has a query to spare. */
  askOne(): boolean {
    if (this.ended || this.busy >= this.width) return false
    const candidate = this.walk.next(this.among)
    if (candidate === undefined) return false
    const { socket, id, turns } = this.lookups.options
    const { key, target } = this.options
    this.busy++
    let counted = true
    socket.query(candidate, key === undefined ? "find_node" : "get", { id, target }, (event) => {
      if (counted) {
        counted = false
        this.busy--
        turns.release()
      }
      if (!this.ended) this.on(candidate, event)
    })
    // A bootstrap node may be a router that knows nodes but no items: ask it for nodes too.
    if (candidate.id === undefined && key !== undefined) this.askForNodes(candidate)
    return true
  }

  private askForNodes(candidate: Candidate): void {
    const { socket, id } = this.lookups.options
    this.routers++
    socket.query(candidate, "find_node", { id, target: this.options.target }, (event) => {
      if (event._tag === "slow") return
      this.routers--
      if (this.ended) return
      const nodes = event._tag === "reply" ? event.reply.nodes : undefined
      if (nodes !== undefined) for (const node of this.nodesOf(nodes, candidate)) this.walk.add(node)
      this.step()
    })
  }

  private on(candidate: Candidate, event: QueryEvent): void {
    switch (event._tag) {
      case "slow":
        this.walk.slow(candidate)
        break
      case "lost":
      case "error":
        this.walk.lost(candidate)
        break
      case "reply": {
        const { id, token, nodes } = event.reply
        this.walk.answered(candidate, id, token, nodes === undefined ? [] : this.nodesOf(nodes, candidate))
        this.receive(event.reply)
      }
    }
    // Also in place of one that answered under another id than it had.
    this.draw()
    this.step()
  }

  private nodesOf(compact: Uint8Array, from: DhtAddress): ReadonlyArray<DhtNode> {
    const nodes = decodeNodes(compact, from.host, (info, at) => this.walk.wants(info, at))
    return nodes.length === 0 ? nodes : nodes.filter((node) => this.isWanted(node))
  }

  private add(node: DhtNode): void {
    if (this.isWanted(node)) this.walk.add(node)
  }

  /** In part: adds known nodes, closest first, until there are enough that are not given up. */
  private draw(): void {
    const { k, known } = this.options
    if (!this.isPart || known === undefined) return
    while (this.walk.live < k) {
      const nodes: ReadonlyArray<HeardNode> = unpackNodes(known, this.drawn, k - this.walk.live)
      if (nodes.length === 0) return
      this.drawn += nodes.length
      for (const node of nodes) this.add(node)
    }
  }

  /** Neither ourselves nor a node that has just kept another walk waiting. */
  private isWanted(node: DhtNode): boolean {
    const { id, socket } = this.lookups.options
    return !socket.isAbsent(node) && compareBytes(node.id, id) !== 0
  }

  private step(): void {
    if (this.ended) return
    // Who joined because of an item just heard has not been given any yet, and the walk may be over with this step.
    for (const newcomer of this.newcomers) this.welcome(newcomer)
    this.tellNear()
    if (this.ended) return
    this.lookups.options.turns.schedule(this)
    // Who refuses a `get` may yet name nodes, and as long as nobody else has answered there are no others.
    if (this.walk.finished && (this.walk.heard > 0 || this.routers === 0)) this.end(this.walk.closest)
  }

  private tellNear(): void {
    for (const near of this.awaitNear) {
      const { nodes, reached } = near
      if (!this.walk.isNear(nodes)) continue
      this.awaitNear.delete(near)
      const { closest } = this.walk
      if (!this.isNear) this.lookups.neared(this, closest)
      this.isNear = true
      this.pause ??= setTimeout(() => {
        this.pause = undefined
        this.step()
      }, NEAR_PAUSE)
      reached(closest.slice(0, nodes))
    }
  }

  /** Hands on the answer's item if it is one of our key, of a length that BEP 44 allows, new, and signed. */
  private receive({ v, k, sig, seq }: Reply): void {
    const { key } = this.options
    if (key === undefined || !(v instanceof Uint8Array) || sig === undefined || seq === undefined) return
    if (v.length > MAX_VALUE_LENGTH || (k !== undefined && compareBytes(k, key.publicKey) !== 0)) return
    if (this.items.some((item) => says(item, seq, v))) return
    const item = this.lookups.signed.get(key, seq, v, sig)
    if (item === undefined) return
    if (this.items.length === 0) this.narrowUntil = this.lookups.options.now() + NARROW_FOR
    this.items.push(item)
    for (const subscriber of this.subscribers) if (!this.newcomers.has(subscriber)) subscriber.item(item)
  }

  /** The client is closed: whoever waits is told. */
  close(): void {
    this.end(undefined, true)
  }

  private end(closest: ReadonlyArray<HeardNode> | undefined, closed = false): void {
    if (this.ended) return
    this.ended = true
    clearTimeout(this.pause)
    const { target } = this.options
    // Nobody at all: then it is our own network that fails, and says nothing of the nodes.
    if (this.walk.heard === 0) this.lookups.options.socket.forgetAbsences()
    if (this.walk.heard === 0 && this.isPart) this.lookups.forget(target)
    this.lookups.finished(this, this.isPart ? undefined : closest)
    const outcome = { asked: this.walk.queries, heard: this.walk.heard, closed }
    for (const subscriber of this.subscribers) subscriber.end(outcome)
    this.subscribers.clear()
    this.newcomers.clear()
    this.awaitNear.clear()
  }
}
