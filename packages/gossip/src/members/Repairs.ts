/**
 * Which envelopes are missing, and which neighbour to ask for them when. A gap that later envelopes show is asked for until somebody has it, or
 * nobody had it three times; a gap that only a head claims is asked for, and nothing follows from it. Pure: the caller sends and has the clock.
 */
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import { TokenBucket } from "@topic-tracker/common/TokenBucket"
import { type AuthorStream, authorOf } from "./Authors.ts"
import type { MissingRange } from "./PartAssembly.ts"
import { MAX_RANGES, type RepairMessage } from "./repairMessages.ts"
import type { StreamBlock } from "./StreamOrder.ts"

/** A gap is asked for after this time: gossip's own repair takes 80 to 120 ms. */
export const FIRST_ASK_MS = 100
/** The next neighbour is asked after this time. */
export const NEXT_ASK_MS = 300
/** The pauses after all neighbours were asked. After the last one the gap is given up. */
const ROUND_PAUSES_MS = [1_000, 2_000, 300]
/** The rounds for what may be from before our start, if we were here when the stream came. */
const PATIENT_ROUNDS = 2
/** Without a neighbour that answers, a gap is given up after this time. */
const ALONE_GIVE_UP_MS = 10_000
/** Claimed heads that are remembered. */
const MAX_CLAIMS = 4096
/** Neighbours that are remembered because they told of a stream. */
const MAX_TELLERS = 8
/** The most envelopes that are asked for because of one claim. */
const MAX_CLAIMED = 1024
/** Wants in a second. */
const WANTS_PER_SECOND = 100
/** How far back a newcomer asks: without a head that was told at its join, and with one. */
export const LOOK_BACK = 32
export const LOOK_BACK_TO_HEAD = 256

interface Claim {
  readonly bytes: Uint8Array
  /** The lowest head that a neighbour told first: what it covers was sent before we came. */
  base: number | undefined
  head: number
  by: string
  /** The head that each neighbour told, the neighbour that came last as the last: at most {@link MAX_TELLERS}. */
  readonly tellers: Map<string, number>
  /** The messages that it covers may be so old that nobody has them: nobody is blamed for it. */
  isPast: boolean
}

interface Task {
  readonly bytes: Uint8Array
  /** The neighbours that were asked in this round. */
  readonly asked: Set<string>
  /** The rounds in which all were asked. */
  rounds: number
  nextAt: number
  askedTo: number
  nones: Set<string>
  lastAsked: string | undefined
  /** A neighbour that came after the others were asked, and told of the stream: it is asked next. */
  newcomer: string | undefined
  /** Since when the gap is there that the rounds were begun for. */
  since: number
  isRoundOver: boolean
  /** When the next round begins, if this one is over. */
  resumeAt: number
}

/**
 * The meaning of a claimed head to {@link Repairs.claim}.
 *
 * @since 0.1.0
 * @category options
 */
export interface ClaimOptions {
  /**
   * `start`: told before we joined, so what it covers was sent before. `all`: the same, and it is wanted. `past`: told by a later neighbour
   * in its first message: it may be old, or have come after we joined. `news`: it came while we are there.
   */
  readonly kind: "start" | "all" | "past" | "news"
  readonly known: number
}

/**
 * What {@link Repairs.tick} gives.
 *
 * @since 0.1.0
 * @category models
 */
export type RepairAction =
  | { readonly _tag: "Ask"; readonly peer: string; readonly message: RepairMessage }
  | { readonly _tag: "GiveUp"; readonly stream: AuthorStream }
  /** The neighbour claimed a head that nobody could show. */
  | { readonly _tag: "FalseHead"; readonly peer: string }

/**
 * The gaps of one topic.
 *
 * @since 0.1.0
 * @category models
 */
export class Repairs {
  readonly #claims = new BoundedMap<string, Claim>(MAX_CLAIMS)
  readonly #tasks = new Map<string, Task>()
  readonly #wants = new TokenBucket(32, WANTS_PER_SECOND)

  /** When `tick` has something to do. */
  get deadline(): number | undefined {
    let next: number | undefined
    for (const { nextAt } of this.#tasks.values()) if (next === undefined || nextAt < next) next = nextAt
    return next
  }

  /** The seq with which a stream begins whose first envelope has this seq. */
  firstOf(key: string, seq: number, canAsk: boolean): number {
    const base = this.#claims.get(key)?.base
    if (base !== undefined && base < seq) return Math.max(base + 1, seq - LOOK_BACK_TO_HEAD)
    return base !== undefined || !canAsk ? seq : Math.max(1, seq - LOOK_BACK)
  }

  /** Whether this head of a stream was sent before we came, as a neighbour told at our start. */
  coversBefore(key: string, head: number): boolean {
    return head <= (this.#claims.get(key)?.base ?? 0)
  }

  /** A neighbour claims that it accepted this seq of a stream. `known`: the highest seq that was accepted here. */
  claim(key: string, bytes: Uint8Array, head: number, by: string, { kind, known }: ClaimOptions, now: number): void {
    let claim = this.#claims.get(key)
    if (claim === undefined) {
      claim = { bytes, base: undefined, head: 0, by, tellers: new Map([[by, head]]), isPast: kind !== "news" }
      this.#claims.set(key, claim)
    }
    if (kind === "start" && known === 0) {
      claim.base = Math.min(claim.base ?? Number.POSITIVE_INFINITY, head)
      return
    }
    if (kind === "all" && known === 0) claim.base = 0
    if (head <= Math.max(known, claim.head)) return
    claim.head = head
    claim.by = by
    claim.isPast &&= kind !== "news"
    this.#start(key, bytes, now + FIRST_ASK_MS)
  }

  /** A neighbour tells of a stream. `isNew`: in its first message. It may come from another part of the swarm, so it is asked in a pause, too. */
  noteTeller(key: string, head: number, by: string, isNew: boolean, now: number): void {
    const task = this.#tasks.get(key)
    if (isNew && task?.isRoundOver === true) {
      task.newcomer = by
      task.nextAt = Math.min(task.nextAt, now)
    }
    const tellers = this.#claims.get(key)?.tellers
    if (tellers === undefined) return
    tellers.set(by, Math.max(tellers.get(by) ?? 0, head))
    if (tellers.size > MAX_TELLERS) tellers.delete(tellers.keys().next().value!)
  }

  /** The neighbour answers no more: the next one of the round is asked at once. */
  neighborDown(peer: string, now: number): void {
    for (const [, { tellers }] of this.#claims.entries()) tellers.delete(peer)
    for (const task of this.#tasks.values()) {
      if (task.lastAsked === peer && !task.isRoundOver) task.nextAt = Math.min(task.nextAt, now)
    }
  }

  /** The neighbours that told of this seq of a stream: the best one to ask is the last. That is the author, who has it for certain. */
  tellersOf(key: string, seq: number): ReadonlyArray<string> {
    const tellers = [...(this.#claims.get(key)?.tellers ?? [])].filter(([, head]) => head >= seq).map(([peer]) => peer)
    const author = authorOf(key)
    return tellers.includes(author) ? [...tellers.filter((peer) => peer !== author), author] : tellers
  }

  /** Streams of a channel that others told of and that nothing came of yet are asked for from their beginning. */
  wantAll(channel: string, now: number): void {
    for (const [key, claim] of this.#claims.entries()) {
      if (key.slice(80) !== channel || claim.base === undefined) continue
      claim.head = Math.max(claim.head, claim.base)
      claim.base = 0
      claim.isPast = true
      this.#start(key, claim.bytes, now)
    }
  }

  /** The stream accepted an envelope: perhaps something before it is missing, or no more. */
  update(stream: AuthorStream, now: number): void {
    const { blocked } = stream.order
    if (blocked === undefined) {
      const claim = this.#claims.get(stream.key)
      if (claim === undefined || claim.head <= stream.order.highest) this.#tasks.delete(stream.key)
    } else this.#start(stream.key, stream.bytes, blocked.isBeforeStart ? now : now + FIRST_ASK_MS)
  }

  /** Whether an envelope was asked for. */
  wasAskedFor(key: string, seq: number): boolean {
    const task = this.#tasks.get(key)
    return task !== undefined && seq <= task.askedTo
  }

  /** A neighbour has nothing of what it was asked for: the next one of the round is asked at once. */
  none(key: string, peer: string, isBeforeStart: boolean, now: number): void {
    const task = this.#tasks.get(key)
    if (task === undefined || task.lastAsked !== peer) return
    task.nones.add(peer)
    // After the round it waits, because the neighbours may get what is missing meanwhile.
    if (!task.isRoundOver || isBeforeStart) task.nextAt = Math.min(task.nextAt, now)
  }

  /** What is due. `peers` are the neighbours that answer. */
  tick(
    streamOf: (key: string) => AuthorStream | undefined,
    peers: ReadonlyArray<string>,
    now: number,
  ): Array<RepairAction> {
    const actions: Array<RepairAction> = []
    for (const [key, task] of this.#tasks) {
      if (now < task.nextAt) continue
      const stream = streamOf(key)
      const ranges = this.#ranges(key, stream, now)
      if (ranges.length === 0) {
        // Parts are still coming, or nothing is missing.
        if (stream?.order.blocked === undefined) this.#tasks.delete(key)
        else task.nextAt = now + NEXT_ASK_MS
        continue
      }
      const blocked = stream?.order.blocked
      if (this.#isOver(task, peers, stream, now)) this.#end(key, task, stream, peers.length, actions, now)
      else if (peers.length === 0) task.nextAt = now + NEXT_ASK_MS
      else if (isPausing(task, stream, now)) task.nextAt = task.resumeAt
      else if (this.#wants.take(now)) {
        actions.push(this.#ask(task, ranges, this.#inTurn(key, ranges[0]!.from, blocked, peers), now))
      } else task.nextAt = now + NEXT_ASK_MS
    }
    return actions
  }

  #start(key: string, bytes: Uint8Array, nextAt: number): void {
    if (this.#tasks.has(key)) return
    this.#tasks.set(key, {
      bytes,
      asked: new Set(),
      rounds: 0,
      nextAt,
      askedTo: 0,
      nones: new Set(),
      lastAsked: undefined,
      newcomer: undefined,
      since: nextAt,
      isRoundOver: false,
      resumeAt: nextAt,
    })
  }

  #ranges(key: string, stream: AuthorStream | undefined, now: number): ReadonlyArray<MissingRange> {
    const ranges = [...(stream?.order.missing(now) ?? [])]
    const claim = this.#claims.get(key)
    if (claim === undefined || ranges.length >= MAX_RANGES) return ranges
    const known = stream?.order.highest ?? claim.base ?? Math.max(0, claim.head - LOOK_BACK)
    // Of what is past, nobody knows where it begins.
    const last = claim.isPast ? claim.head : Math.min(claim.head, known + MAX_CLAIMED)
    if (claim.head > known) ranges.push({ from: known + 1, to: last })
    return ranges
  }

  #isOver(task: Task, peers: ReadonlyArray<string>, stream: AuthorStream | undefined, now: number): boolean {
    const blocked = stream?.order.blocked
    if (peers.length === 0) return blocked === undefined || now - blocked.since >= ALONE_GIVE_UP_MS
    if (task.rounds >= ROUND_PAUSES_MS.length) return true
    const isUrgent = blocked === undefined || !blocked.isBeforeStart
    if (isUrgent || !peers.every((peer) => task.nones.has(peer))) return false
    // Envelopes from before our start that nobody has are not waited for. If we were here, they may come from a part of the swarm to which only some
    // of the neighbours have just found a way: a second round asks again.
    return stream?.order.wasHere !== true || task.rounds >= PATIENT_ROUNDS
  }

  #end(
    key: string,
    task: Task,
    stream: AuthorStream | undefined,
    peers: number,
    actions: Array<RepairAction>,
    now: number,
  ): void {
    const blocked = stream?.order.blocked
    if (stream !== undefined && blocked !== undefined) {
      // The rounds were begun for an earlier gap, which was filled: this one gets its own.
      const isLater = peers > 0 && !blocked.isBeforeStart && blocked.since > task.since
      if (!isLater) actions.push({ _tag: "GiveUp", stream })
      // Further gaps were asked for at the same time: they get one more round.
      task.rounds = isLater ? 0 : ROUND_PAUSES_MS.length - 1
      task.asked.clear()
      task.since = Math.max(task.since, blocked.since)
      task.nextAt = now
      task.nones.clear()
      return
    }
    this.#tasks.delete(key)
    const claim = this.#claims.get(key)
    if (claim === undefined) return
    const known = stream?.order.highest ?? 0
    if (claim.head > known && !claim.isPast) actions.push({ _tag: "FalseHead", peer: claim.by })
    claim.head = known
  }

  /**
   * The neighbours in the order in which they are asked: for a gap from the one on that sent what comes after it; for what others only told of,
   * first those that did, since no others need to know of it.
   */
  #inTurn(
    key: string,
    from: number,
    blocked: StreamBlock | undefined,
    peers: ReadonlyArray<string>,
  ): ReadonlyArray<string> {
    if (blocked?.isBeforeStart === false) {
      const first = Math.max(0, peers.indexOf(blocked.by))
      return [...peers.slice(first), ...peers.slice(0, first)]
    }
    const told = this.tellersOf(key, from).filter((peer) => peers.includes(peer))
    return [...told.reverse(), ...peers.filter((peer) => !told.includes(peer))]
  }

  #ask(task: Task, ranges: ReadonlyArray<MissingRange>, peers: ReadonlyArray<string>, now: number): RepairAction {
    // Each message in parts needs a Want of its own: the first range decides.
    const parts = ranges[0]!.parts
    const asked = parts === undefined ? ranges.filter((range) => range.parts === undefined) : ranges.slice(0, 1)
    const newcomer = peers.find((peer) => peer === task.newcomer)
    if (newcomer === undefined && peers.every((peer) => task.asked.has(peer))) {
      task.asked.clear()
      task.nones.clear()
    }
    const peer = newcomer ?? peers.find((each) => !task.asked.has(each))!
    task.asked.add(peer)
    task.lastAsked = peer
    task.newcomer = undefined
    task.askedTo = Math.max(task.askedTo, asked.at(-1)!.to)
    task.isRoundOver = peers.every((each) => task.asked.has(each))
    // A newcomer is asked while the others wait for the next round.
    if (task.isRoundOver && (newcomer === undefined || task.resumeAt <= now)) {
      task.resumeAt = now + ROUND_PAUSES_MS[Math.min(task.rounds, ROUND_PAUSES_MS.length - 1)]!
      task.rounds++
    }
    task.nextAt = task.isRoundOver ? task.resumeAt : now + NEXT_ASK_MS
    return {
      _tag: "Ask",
      peer,
      message: { _tag: "Want", stream: task.bytes, ranges: asked.map(({ from, to }) => ({ from, to })), parts },
    }
  }
}

/** Whether the task waits for its next round, and has no neighbour to ask before. */
const isPausing = ({ isRoundOver, newcomer, resumeAt }: Task, stream: AuthorStream | undefined, now: number): boolean =>
  isRoundOver && newcomer === undefined && stream?.order.wasHere === true && now < resumeAt
