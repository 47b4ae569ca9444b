/**
 * The invariants of the state machine, checked after every event, for tests. {@link checkInvariants} checks a state alone;
 * {@link InvariantChecker} also compares the events and actions, and knows which timers run. Both know the machine's fields and
 * nothing of networks. iroh-gossip checks some of the same in its tests (`check_invariants` in `src/proto/hyparview.rs` at
 * 007b97f): sizes of the views, no overlap between them, no entry for the node itself.
 */

import { MAX_GUESTS, MAX_INVITED, MAX_REPLACED, MAX_SENT_AWAY, MAX_VOUCHED } from "./Admission.ts"
import type { Action, Event, Timer, TopicKey } from "./Event.ts"
import type { GossipState } from "./GossipState.ts"
import { MAX_REFUSALS } from "./HyParView.ts"
import type { PeerKey } from "./Message.ts"
import * as MessageId from "./MessageId.ts"
import { MAX_JOINERS } from "./NameBudget.ts"
import { MAX_MISSING_OF_NEIGHBOR } from "./NeighborRecord.ts"
import { MAX_MISSING } from "./PlumTree.ts"
import type { TopicState } from "./TopicState.ts"

/**
 * Throws an Error that names the broken invariant if a topic's views, tree and bookkeeping do not agree.
 *
 * @since 0.1.0
 * @category predicates
 */
export const checkInvariants = <P extends PeerKey>(state: GossipState<P>): void => {
  for (const key of state.topics()) {
    const topic = state.topic(key)!
    const fail = failureIn(state, key)
    checkMembership(topic, state.config.membership, fail)
    checkBroadcast(topic, fail)
    for (const peers of peersOf(topic)) if (peers.has(state.me)) fail("the node itself is among its peers")
  }
}

/**
 * Checks a machine after each event, from its first event on: {@link checkInvariants}, and that timers, connections and events
 * to the application agree with the state.
 *
 * @since 0.1.0
 * @category models
 */
export class InvariantChecker<P extends PeerKey> {
  private readonly state: GossipState<P>
  /** Timers that were started and have not expired, by their key; equal timers are counted. */
  private readonly timers = new Map<string, number>()
  /** The neighbours by the events so far. */
  private readonly up = new Map<TopicKey, Set<P>>()

  /** `state`: a machine that has handled no event. */
  constructor(state: GossipState<P>) {
    this.state = state
  }

  /** To be called after the machine has handled `event` with these actions. Throws an Error that names the broken invariant. */
  afterEvent(event: Event<P>, actions: ReadonlyArray<Action<P>>): void {
    const { state } = this
    if (event._tag === "TimerExpired") this.countTimer(event.timer, -1)
    const before = new Map<TopicKey, ReadonlySet<P>>()
    for (const [key, peers] of this.up) before.set(key, new Set(peers))
    const closed = new Set<P>()
    for (const action of actions) this.checkAction(action, closed)
    for (const key of this.up.keys()) if (state.topic(key) === undefined) this.up.delete(key)
    checkInvariants(state)
    this.checkSends(actions, before)
    for (const peer of closed) {
      if (state.usesConnection(peer)) failureIn(state, "any")(`the connection to ${peer} is closed but still used`)
    }
    if (event._tag === "PeerDisconnected" && state.usesConnection(event.peer)) {
      failureIn(state, "any")(`${event.peer} is disconnected but its connection is still used`)
    }
    for (const key of state.topics()) {
      this.checkNeighbors(key)
      this.checkTimers(key)
    }
  }

  private checkAction(action: Action<P>, closed: Set<P>): void {
    const { state } = this
    switch (action._tag) {
      case "Send":
        if (action.to === state.me) failureIn(state, action.topic)(`sends ${action.message._tag} to itself`)
        return
      case "ScheduleTimer":
        if (!(action.delayMs >= 0)) failureIn(state, action.timer.topic)(`a timer of ${action.delayMs} ms`)
        this.countTimer(action.timer, 1)
        return
      case "DisconnectPeer":
        if (closed.has(action.peer)) failureIn(state, "any")(`closes the connection to ${action.peer} twice`)
        closed.add(action.peer)
        return
      case "PeerData":
        if (action.data.length === 0) failureIn(state, "any")(`announces empty data of ${action.peer}`)
        return
      case "Emit":
        this.countNeighbor(action)
    }
  }

  private countNeighbor({ event, topic }: Extract<Action<P>, { readonly _tag: "Emit" }>): void {
    const fail = failureIn(this.state, topic)
    const up = this.up.get(topic) ?? new Set<P>()
    this.up.set(topic, up)
    if (event._tag === "NeighborUp") {
      if (up.has(event.peer)) fail(`NeighborUp of ${event.peer}, which is a neighbour`)
      up.add(event.peer)
    } else if (event._tag === "NeighborDown" && !up.delete(event.peer)) {
      fail(`NeighborDown of ${event.peer}, which is no neighbour`)
    }
  }

  /** Messages of the broadcast go to peers that are or were neighbours in this event. */
  private checkSends(actions: ReadonlyArray<Action<P>>, before: ReadonlyMap<TopicKey, ReadonlySet<P>>): void {
    for (const action of actions) {
      if (action._tag !== "Send" || !BROADCAST_TAGS.has(action.message._tag)) continue
      const { message, to, topic } = action
      if (this.up.get(topic)?.has(to) === true || before.get(topic)?.has(to) === true) continue
      failureIn(this.state, topic)(`sends ${message._tag} to ${to}, which is no neighbour`)
    }
  }

  private checkNeighbors(key: TopicKey): void {
    const { active } = this.state.topic(key)!.membership
    const up = this.up.get(key) ?? new Set<P>()
    if (!isSame(up, new Set(active.values))) failureIn(this.state, key)("the events do not give the active view")
  }

  private checkTimers(key: TopicKey): void {
    const { broadcast, epoch, membership } = this.state.topic(key)!
    const fail = failureIn(this.state, key)
    const running = (timer: WithoutTopic<Timer<P>>) => this.timers.get(keyOf({ ...timer, topic: key, epoch })) ?? 0
    const expectRunning = (timer: WithoutTopic<Timer<P>>, expected: boolean) => {
      const count = running(timer)
      if (count !== (expected ? 1 : 0)) fail(`${count} ${timer._tag} timers run instead of ${expected ? 1 : 0}`)
    }
    const { pending, raised, refillScheduled, seekScheduled } = membership.bookkeeping
    const { dispatchScheduled, evictScheduled, missing } = broadcast.bookkeeping
    expectRunning({ _tag: "Shuffle" }, true)
    expectRunning({ _tag: "Refill" }, refillScheduled)
    expectRunning({ _tag: "SeekMember" }, seekScheduled)
    expectRunning({ _tag: "DispatchLazyPush" }, dispatchScheduled)
    expectRunning({ _tag: "EvictCache" }, evictScheduled)
    for (const [peer, { number: request }] of pending) {
      if (running({ _tag: "NeighborRequest", peer, request }) === 0) fail(`the request to ${peer} has no timer`)
    }
    for (const [peer, request] of raised) {
      if (running({ _tag: "NeighborRequest", peer, request }) === 0) fail(`the raised request to ${peer} has no timer`)
    }
    for (const id of missing.keys()) {
      if (running({ _tag: "SendGraft", id }) === 0) fail(`the missing payload ${MessageId.toHex(id)} has no timer`)
    }
  }

  private countTimer(timer: Timer<P>, change: 1 | -1): void {
    const key = keyOf(timer)
    const count = (this.timers.get(key) ?? 0) + change
    if (count > 0) this.timers.set(key, count)
    else this.timers.delete(key)
  }
}

const checkMembership = <P extends PeerKey>(
  { connections, membership }: TopicState<P>,
  config: { readonly activeViewCapacity: number; readonly passiveViewCapacity: number },
  fail: (what: string) => never,
): void => {
  const { active, passive } = membership
  const { away, guests, invited, joiners, nameGivers, overdue, peerData, pending, refusals, replaced } =
    membership.bookkeeping
  const { raised, stayingAlive, vouched } = membership.bookkeeping
  if (joiners.size > MAX_JOINERS) fail(`${joiners.size} joiners; the limit is ${MAX_JOINERS}`)
  if (refusals.size > MAX_REFUSALS) fail(`${refusals.size} refusals; the limit is ${MAX_REFUSALS}`)
  const maxData = 2 * (config.activeViewCapacity + config.passiveViewCapacity) + 16 + MAX_GUESTS + pending.size
  if (peerData.size > maxData) fail(`data of ${peerData.size} peers; the limit is ${maxData}`)
  if (invited.size > MAX_INVITED) fail(`${invited.size} invited peers; the limit is ${MAX_INVITED}`)
  if (replaced.size > MAX_REPLACED) fail(`${replaced.size} replaced peers; the limit is ${MAX_REPLACED}`)
  if (vouched.size > MAX_VOUCHED) fail(`${vouched.size} vouched peers; the limit is ${MAX_VOUCHED}`)
  if (away.size > MAX_SENT_AWAY) fail(`${away.size} peers sent away; the limit is ${MAX_SENT_AWAY}`)
  if (guests.size > MAX_GUESTS) fail(`${guests.size} guests; the limit is ${MAX_GUESTS}`)
  for (const peer of guests) if (!active.has(peer)) fail(`${peer} is a guest, but no neighbour`)
  if (active.size - guests.size > config.activeViewCapacity)
    fail(`${active.size - guests.size} neighbours besides guests; the limit is ${config.activeViewCapacity}`)
  if (passive.size > config.passiveViewCapacity)
    fail(`${passive.size} contacts; the limit is ${config.passiveViewCapacity}`)
  if (!isSame(new Set(nameGivers.keys()), new Set(active.values))) fail("the budgets of names are not the neighbours'")
  for (const peer of active.values) if (passive.has(peer)) fail(`${peer} is in both views`)
  for (const peer of overdue) if (!active.has(peer)) fail(`the answer of ${peer} is late, but it is no neighbour`)
  for (const peer of stayingAlive) if (!passive.has(peer)) fail(`${peer} stays alive, but it is no contact`)
  for (const peer of refusals) if (active.has(peer)) fail(`${peer} has no free slot for us, but it is a neighbour`)
  for (const peer of raised.keys()) if (active.has(peer)) fail(`${peer} is to be asked again, but it is a neighbour`)
  for (const peer of active.values) if (!connections.has(peer)) fail(`the neighbour ${peer} has no connection`)
  for (const peer of pending.keys()) if (!connections.has(peer)) fail(`${peer} is asked without a connection`)
}

const checkBroadcast = <P extends PeerKey>({ broadcast, membership }: TopicState<P>, fail: (what: string) => never) => {
  const { active } = membership
  const { eager, lazy } = broadcast
  const { dispatchScheduled, evictScheduled, history, lastBroadcasts, lazyQueue, missing, records } =
    broadcast.bookkeeping
  for (const peer of eager) if (lazy.has(peer)) fail(`${peer} is both eager and lazy`)
  if (!isSame(new Set([...eager, ...lazy]), new Set(active.values))) fail("the tree's peers are not the neighbours")
  if (!isSame(new Set(records.keys()), new Set(active.values))) fail("the records are not those of the neighbours")
  if (missing.size > MAX_MISSING) fail(`${missing.size} missing payloads; the limit is ${MAX_MISSING}`)
  const announced = new Map<P, number>()
  for (const announcements of missing.values()) {
    for (const { peer } of announcements) announced.set(peer, (announced.get(peer) ?? 0) + 1)
  }
  for (const [peer, { missing: count }] of records) {
    if (count !== (announced.get(peer) ?? 0)) fail(`${peer} announced ${announced.get(peer) ?? 0}; counted: ${count}`)
    if (count > MAX_MISSING_OF_NEIGHBOR) fail(`${peer} announced ${count}; the limit is ${MAX_MISSING_OF_NEIGHBOR}`)
  }
  for (const [peer, entries] of lazyQueue) {
    if (!active.has(peer)) fail(`announcements wait for ${peer}, which is no neighbour`)
    if (entries.length === 0) fail(`an empty queue of announcements for ${peer}`)
  }
  if (lazyQueue.size > 0 && !dispatchScheduled) fail("announcements wait without a timer")
  for (const [id, announcements] of missing) {
    if (history.has(id)) fail(`the payload ${MessageId.toHex(id)} is both missing and received`)
    for (const { peer } of announcements) if (!active.has(peer)) fail(`${peer} announced a payload and is no neighbour`)
    const announcers = new Set(announcements.map(({ peer }) => peer))
    if (announcers.size < announcements.length) fail("a peer is noted twice for one payload")
  }
  if (history.payloadSize > history.size) fail("payloads are kept without their ids")
  if ((history.size > 0 || lastBroadcasts.length > 0) && !evictScheduled) fail("messages are kept without a timer")
}

/** Every collection of peers in a topic's state. */
const peersOf = <P extends PeerKey>({ broadcast, connections, membership }: TopicState<P>) => {
  const { overdue, peerData, pending, raised, refusals, stayingAlive, vouched } = membership.bookkeeping
  const { eager, lazy } = broadcast
  const views = [membership.active, membership.passive]
  return [...views, overdue, peerData, pending, raised, refusals, stayingAlive, vouched, eager, lazy, connections]
}

const BROADCAST_TAGS: ReadonlySet<string> = new Set(["Gossip", "Prune", "Graft", "IHave"])

type WithoutTopic<T> = T extends unknown ? Omit<T, "topic" | "epoch"> : never

const keyOf = (timer: Timer<PeerKey>): string => {
  const about =
    timer._tag === "NeighborRequest" ? [timer.peer, timer.request] : timer._tag === "SendGraft" ? [timer.id] : []
  return JSON.stringify([timer.topic, timer.epoch, timer._tag, ...about])
}

const isSame = <A>(a: ReadonlySet<A>, b: ReadonlySet<A>): boolean =>
  a.size === b.size && [...a].every((each) => b.has(each))

const failureIn =
  (state: { readonly me: PeerKey }, topic: string) =>
  (what: string): never => {
    throw new Error(`invariant of node ${state.me}, topic ${topic}: ${what}`)
  }
