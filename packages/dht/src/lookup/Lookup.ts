/**
 * One iterative lookup over the socket: its waiters, the items found, and the choice of the next query. {@link LookupState} knows
 * which node is next; this file knows when to ask it, and does not know which other lookups run.
 */
import { Bytes, type Timer } from "@topic-tracker/common"
import { MAX_VALUE_BYTES } from "@topic-tracker/common/Bep44"
import { hasSameContent } from "../bep44/item.ts"
import { decodeNodes } from "../krpc/compactNodes.ts"
import type { QueryEvent } from "../krpc/KrpcSocket.ts"
import type { Reply } from "../krpc/message.ts"
import { shifted } from "../krpc/nodeId.ts"
import type { DhtNode, MutableItem } from "../model.ts"
import type { Candidate } from "./Candidate.ts"
import { type AnsweredNode, unpackNodes } from "./ClosestNodes.ts"
import type { LookupContext, LookupOptions } from "./LookupContext.ts"
import { LookupState } from "./LookupState.ts"
import { EARLIER_RUNS } from "./NameSources.ts"
import type { QuerySource } from "./QueryScheduler.ts"
import type { AwaitNearest, Subscriber, Subscription } from "./Subscriber.ts"

/** Open queries before the first answer, and for {@link NARROW_MS} after the first item. */
const FIRST_WIDTH = 4

/** Shorter than most round trips, and long enough for the work that the first item causes to get under way. */
const NARROW_MS = 20

/**
 * The time for which a lookup asks no other nodes after the nearest have answered, if a caller waits for those. Usually the caller
 * has then found a peer to connect to, and the answers of the other nodes would delay that work.
 */
export const NEAREST_PAUSE_MS = 30

/** The times that a lookup asks for nodes that may be hidden from it, and the nodes that it asks each time. */
const MAX_WIDENED = 2
const WIDENED_QUERIES = 8

export class Lookup implements QuerySource {
  /** Whether one of its waiters has priority. */
  priority = false
  /** Whether the nearest nodes of the target are known, so that a partial lookup may begin with them. */
  hasNearest = false
  private readonly context: LookupContext
  private readonly options: LookupOptions
  private readonly isPartial: boolean
  private readonly state: LookupState
  private readonly subscribers = new Set<Subscriber>()
  /** Subscribers that have not got the items found before they joined. */
  private readonly newcomers = new Set<Subscriber>()
  private readonly awaitNearest = new Set<AwaitNearest>()
  private readonly items: Array<MutableItem> = []
  /** Until this time (ms) the lookup leaves room for others. */
  private narrowUntil = 0
  private pause: Timer | undefined
  /** Partial lookups: the known nodes that have not been added, closest first. */
  private unused: Array<DhtNode> = []
  /** Partial lookups: the number of nearest nodes that are still to be added. The others are drawn. */
  private nearestWanted = 0
  /** Open queries before the first answer. Bootstrap nodes are asked first, and nodes of earlier runs beside them. */
  private firstWidth = FIRST_WIDTH
  /** Open queries, without late and slow ones. */
  private busy = 0
  /** Open queries that are late and not slow: up to alpha of them have given their places to others. */
  private late = 0
  /** Nodes that were asked only for nodes and have not answered. */
  private routers = 0
  /** The number of times that the lookup asked for nodes around its target. */
  private widened = 0
  private ended = false
  private begun = false

  constructor(context: LookupContext, options: LookupOptions) {
    const { target, k } = options
    this.context = context
    this.options = options
    this.isPartial = k < context.k
    this.state = new LookupState(target, {
      k: this.isPartial ? Math.ceil(k / 2) : k,
      maxQueries: context.maxQueriesPerLookup,
      knowsNearest: this.isPartial,
      reachOf: context.reachOf,
      expectedDistance: context.expectedDistance,
    })
    this.addKnown()
    if (!this.state.isEmpty) return
    // All known nodes were slow: then the delay was probably ours, not theirs.
    context.socket.forgetUnresponsive()
    this.addKnown()
  }

  private addKnown(): void {
    const { target, known, k } = this.options
    if (this.isPartial) {
      this.unused = known === undefined ? [] : unpackNodes(known)
      this.nearestWanted = Math.ceil(k / 2)
      this.addReplacements()
      return
    }
    if (known !== undefined) for (const node of unpackNodes(known)) this.addNode(node)
    const { addresses, nodes, remembered } = this.context.start(target)
    for (const node of nodes) this.addNode(node)
    for (const node of remembered) this.addNode(node, EARLIER_RUNS)
    for (const address of addresses) this.state.addSeed(address)
    this.firstWidth = remembered.length > 0 && addresses.length > 0 ? 2 * FIRST_WIDTH : FIRST_WIDTH
  }

  join(subscriber: Subscriber): Subscription {
    const { nearest } = subscriber
    this.subscribers.add(subscriber)
    if (nearest !== undefined) this.awaitNearest.add(nearest)
    if (this.items.length > 0) {
      this.newcomers.add(subscriber)
      this.context.timers.runSoon(() => this.deliverEarlierItems(subscriber))
    }
    if (!this.begun || nearest !== undefined) {
      this.begun = true
      this.context.timers.runSoon(() => this.step())
    }
    return {
      cancel: () => this.cancel(subscriber),
      answered: () => this.state.answerCount,
      outcomes: () => this.state.outcomes(this.context.k),
    }
  }

  private deliverEarlierItems(newcomer: Subscriber): void {
    if (!this.newcomers.delete(newcomer)) return
    for (const item of this.items) newcomer.item(item)
  }

  private cancel(subscriber: Subscriber): void {
    this.subscribers.delete(subscriber)
    this.newcomers.delete(subscriber)
    if (subscriber.nearest !== undefined) this.awaitNearest.delete(subscriber.nearest)
    if (this.subscribers.size === 0) this.end(undefined)
  }

  /**
   * The number of queries that may be open now: few at first, two more with each answer, up to alpha. Most of the time the first
   * item is all that is waited for, and many queries at once would delay it and the work that it causes.
   */
  private get width(): number {
    if (this.pause !== undefined) return 0
    if (this.narrowUntil > 0 && this.context.timers.now() < this.narrowUntil) return FIRST_WIDTH
    return Math.min(this.context.alpha, this.firstWidth + 2 * this.state.answerCount)
  }

  /** The number of nearest nodes among which the next to ask is: first those that are waited for, the others after them. */
  private get among(): number | undefined {
    let among: number | undefined
    for (const { nodes } of this.awaitNearest) among = Math.max(among ?? 0, nodes)
    return among
  }

  /** Asks the next node, if there is one and the lookup may have another query open. */
  askOne(): boolean {
    if (this.ended || this.busy >= this.width) return false
    const candidate = this.state.next(this.among)
    if (candidate === undefined) return false
    const { socket, scheduler } = this.context
    const { id } = this.context.table
    const { key, target } = this.options
    // Bootstrap nodes of the public DHT know nodes and mostly no items.
    const isRouter = candidate.id === undefined && candidate.isPublic
    this.busy++
    let counted = true
    let isLate = false
    const onEvent = (event: QueryEvent) => {
      if (counted) {
        counted = false
        if (isLate) this.late--
        else this.busy--
        scheduler.release()
      }
      if (this.ended) return
      if (isRouter && event._tag === "reply") this.onRouter(candidate, event.reply)
      else this.on(candidate, event)
    }
    const onLate = () => {
      if (this.ended || this.late >= this.context.alpha) return
      isLate = true
      this.late++
      this.busy--
      this.state.late(candidate)
      this.replaceAndStep()
    }
    socket.query(candidate, key === undefined || isRouter ? "find_node" : "get", { id, target }, onEvent, onLate)
    // In a private network it may hold items, or be a router that refuses a get.
    if (candidate.id === undefined && key !== undefined && !isRouter) this.askForNodes(candidate)
    return true
  }

  private askForNodes(candidate: Candidate, target = this.options.target): void {
    const { socket, table } = this.context
    const { id } = table
    this.routers++
    let isAwaited = true
    socket.query(candidate, "find_node", { id, target }, (event) => {
      // As long as no node has answered, slow ones are waited for.
      if (event._tag === "slow" && this.state.answerCount === 0) return
      if (isAwaited) this.routers--
      isAwaited = false
      if (this.ended) return
      const nodes = event._tag === "reply" ? event.reply.nodes : undefined
      if (nodes !== undefined) this.state.addNamed(this.nodesOf(nodes, candidate), candidate)
      this.step()
    })
  }

  /** A bootstrap node of the public DHT has answered. For a lookup of nodes that is all; for one of items it may still be asked. */
  private onRouter(candidate: Candidate, reply: Reply): void {
    const compact = reply.nodes ?? new Uint8Array(0)
    const named = this.nodesOf(compact, candidate)
    if (this.options.key === undefined) this.state.answered(candidate, reply.id, reply.token, named)
    else this.state.identified(candidate, reply.id, named)
    this.context.onRouter(decodeNodes(compact, candidate.host, undefined, this.context.reachOf), candidate)
    this.replaceAndStep()
  }

  private on(candidate: Candidate, event: QueryEvent): void {
    switch (event._tag) {
      case "slow":
        this.state.slow(candidate)
        break
      case "lost":
      case "error":
        this.state.lost(candidate)
        break
      case "reply": {
        const { id, token, nodes } = event.reply
        this.state.answered(candidate, id, token, nodes === undefined ? [] : this.nodesOf(nodes, candidate))
        this.receive(event.reply)
      }
    }
    this.replaceAndStep()
  }

  private replaceAndStep(): void {
    // A node that answered under another id than before also needs a replacement.
    this.addReplacements()
    this.step()
  }

  private nodesOf(compact: Uint8Array, from: Candidate): ReadonlyArray<DhtNode> {
    const wanted = (info: Uint8Array, at: number) => this.state.wants(info, at, from)
    const nodes = decodeNodes(compact, from.host, wanted, this.context.reachOf)
    return nodes.length === 0 ? nodes : nodes.filter((node) => this.isWanted(node))
  }

  private addNode(node: DhtNode, source?: number): void {
    if (this.isWanted(node)) this.state.addNode(node, source)
  }

  /**
   * Partial lookups: adds known nodes until there are enough that are neither given up nor late. The first half are the nearest. The others are
   * drawn: an attacker may hold the nearest places, but a put has reached all of these nodes.
   */
  private addReplacements(): void {
    if (!this.isPartial) return
    while (this.unused.length > 0 && this.state.live < this.options.k) {
      const isNearest = this.nearestWanted > 0
      const index = isNearest ? 0 : Math.floor(this.context.random() * this.unused.length)
      const node = this.unused.splice(index, 1)[0]!
      if (!this.isWanted(node)) continue
      if (isNearest) {
        this.nearestWanted--
        this.state.addNode(node)
      } else this.state.addDrawn(node)
    }
  }

  /** Whether the node may be asked: it is not this node, and has not just kept another lookup waiting. */
  private isWanted(node: DhtNode): boolean {
    const { socket, table } = this.context
    return !socket.isUnresponsive(node) && !Bytes.equals(node.id, table.id)
  }

  private step(): void {
    if (this.ended) return
    // A subscriber that joined because of an item has not got it yet, and this step may end the lookup.
    for (const newcomer of this.newcomers) this.deliverEarlierItems(newcomer)
    this.notifyNearest()
    if (this.ended) return
    this.context.scheduler.schedule(this)
    if (!this.state.finished) return
    // A router that refuses a `get` may still name nodes, and as long as no node has answered there are no others.
    if (this.routers > 0 && (this.state.answerCount === 0 || this.widened > 0)) return
    if (this.widen()) return
    if (this.state.askDoubted()) this.context.scheduler.schedule(this)
    else this.end(this.state.closest)
  }

  /**
   * The nodes of an attacker may fill the answers: nodes name those nearest to the target. So nodes far from it, some of them drawn
   * from all that we know, are asked for the nodes around random places near the target. Returns whether it asked any.
   */
  private widen(): boolean {
    if (this.isPartial || this.widened === MAX_WIDENED) return false
    const within = this.state.hiddenWithin
    if (within === 0) return false
    this.widened++
    const { random, table } = this.context
    const { nodes } = table
    for (let i = 0; i < WIDENED_QUERIES / 2 && nodes.length > 0; i++) {
      this.addNode(nodes[Math.floor(random() * nodes.length)]!)
    }
    const farthest = this.state.farthest(WIDENED_QUERIES)
    for (let i = 0; i < WIDENED_QUERIES && farthest.length > 0; i++) {
      const shift = within * (1 - 0.75 * random())
      this.askForNodes(farthest[i % farthest.length]!, shifted(this.options.target, shift))
    }
    return farthest.length > 0
  }

  private notifyNearest(): void {
    for (const waiting of this.awaitNearest) {
      const { nodes, reached } = waiting
      if (!this.state.hasNearest(nodes)) continue
      this.awaitNearest.delete(waiting)
      const { closest } = this.state
      if (!this.hasNearest) this.options.onNearest(closest)
      this.hasNearest = true
      this.pause ??= this.context.timers.schedule(NEAREST_PAUSE_MS, () => {
        this.pause = undefined
        this.step()
      })
      reached(closest.slice(0, nodes))
    }
  }

  /** Passes on the item of an answer if it is of our key, not too long, new, and signed. */
  private receive({ v, k, sig, seq }: Reply): void {
    const { key } = this.options
    if (key === undefined || !(v instanceof Uint8Array) || sig === undefined || seq === undefined) return
    if (v.length > MAX_VALUE_BYTES || (k !== undefined && !Bytes.equals(k, key.publicKey))) return
    if (this.items.some((item) => hasSameContent(item, seq, v))) return
    const item = this.context.verified.verify(key, seq, v, sig)
    if (item === undefined) return
    if (this.items.length === 0) this.narrowUntil = this.context.timers.now() + NARROW_MS
    this.items.push(item)
    for (const subscriber of this.subscribers) if (!this.newcomers.has(subscriber)) subscriber.item(item)
  }

  /** The client is closed: the subscribers are notified. */
  close(): void {
    this.end(undefined, true)
  }

  private end(closest: ReadonlyArray<AnsweredNode> | undefined, closed = false): void {
    if (this.ended) return
    this.ended = true
    if (this.pause !== undefined) this.context.timers.cancel(this.pause)
    const { answerCount: answered, queries: asked } = this.state
    // No node answered: then our own network failed, not the nodes.
    if (answered === 0) this.context.socket.forgetUnresponsive()
    this.context.onDoubtedSources(this.state.doubtedSources)
    this.context.scheduler.remove(this)
    this.options.onEnd(closest, { asked, answered, items: this.items.length })
    for (const subscriber of this.subscribers) subscriber.end({ asked, answered, closed })
    this.subscribers.clear()
    this.newcomers.clear()
    this.awaitNearest.clear()
  }
}
