/**
 * One members-only topic of one node: judges the contents that gossip brings, keeps each author's messages in order, and repairs what is
 * missing with the neighbours. Pure: bytes and the time go in, verdicts and events come out. It knows no gossip, no door and no channel
 * names; it seals nothing.
 */
import { equals, toHex } from "@topic-tracker/common/Bytes"
import { checkHeader, Envelope, type OpenedEnvelope, openEnvelope } from "@topic-tracker/crypto/members"
import { type AuthorStream, Authors } from "./Authors.ts"
import { EnvelopeStore } from "./EnvelopeStore.ts"
import { HeadClaims } from "./HeadClaims.ts"
import { PassedWants } from "./PassedWants.ts"
import { type NeighborOptions, RepairServer } from "./RepairServer.ts"
import { Repairs } from "./Repairs.ts"
import type { RepairMessage, SeqRange } from "./repairMessages.ts"
import { StateLimits } from "./StateLimits.ts"
import { type OrderEvent, StreamOrder } from "./StreamOrder.ts"
import { type Admission, type Judgement, type MembersEvent, type MembersStateOptions, noStats } from "./stateModel.ts"

/**
 * The largest message that is put together from parts, unless configured.
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_CONTENT_BYTES = 1024 * 1024
const EVICT_MS = 60_000

const ACCEPTED: Judgement = { verdict: "accept", step: undefined }

/**
 * The state of a members-only topic.
 *
 * @since 0.1.0
 * @category models
 */
export class MembersState {
  readonly stats = noStats()
  readonly #options: MembersStateOptions
  readonly #authors = new Authors()
  readonly #store = new EnvelopeStore()
  readonly #repairs: Repairs
  readonly #server: RepairServer
  readonly #passed: PassedWants
  readonly #claims: HeadClaims
  readonly #limits = new StateLimits()
  #events: Array<MembersEvent> = []
  #evictAt: number
  #isReplay = false

  constructor(options: MembersStateOptions) {
    this.#options = options
    this.#repairs = new Repairs()
    const send = (to: string, message: RepairMessage) => this.#send(to, message)
    this.#passed = new PassedWants({
      tellersOf: (key, seq) => this.#repairs.tellersOf(key, seq).filter((peer) => this.#server.peers.includes(peer)),
      isAskedFor: (key, seq) => this.#isAskedFor(key, seq),
      send,
    })
    this.#server = new RepairServer({ store: this.#store, send, pass: (want, now) => this.#passed.pass(want, now) })
    const parts = { authors: this.#authors, limits: this.#limits, repairs: this.#repairs, server: this.#server }
    this.#claims = new HeadClaims({ ...parts, self: options.self, fromRecent: options.fromRecent })
    this.#evictAt = options.now + EVICT_MS
  }

  /** Whether a neighbour has told what was sent before we came: from then on no message is missed. */
  get hasHeads(): boolean {
    return this.#claims.areHeard
  }

  /**
   * Gives the messages of a channel again that are kept, as replays. `all`: nobody here has read the channel, so its streams begin anew, and
   * what came before them is asked for.
   */
  replay(channel: string, all: boolean, now: number): void {
    const { maxContentBytes = MAX_CONTENT_BYTES } = this.#options
    this.#isReplay = true
    for (const stream of this.#authors.streams) {
      if (stream.channel !== channel || (stream.bytes[40]! & 0x80) !== 0) continue
      const kept = [...this.#store.range(stream.key, { from: 1, to: stream.order.highest })]
      if (kept[0] === undefined) continue
      const first = Envelope.seq(kept[0])
      const order = new StreamOrder(all && this.#server.peers.length > 0 ? 1 : first, first, maxContentBytes)
      for (const envelope of kept) {
        const opened = this.#open(envelope)
        if (typeof opened !== "string") this.#handle(stream, order.accept(opened, stream.author, now))
      }
      if (!all) continue
      stream.order = order
      this.#limitWaiting(stream)
      this.#repairs.update(stream, now)
    }
    this.#isReplay = false
    if (all) this.#repairs.wantAll(channel, now)
  }

  /** The events since the last call. */
  takeEvents(): ReadonlyArray<MembersEvent> {
    const events = this.#events
    if (events.length > 0) this.#events = []
    return events
  }

  /** A neighbour has proven membership. `answersRepairs`: both sides have the flag `repairs` of the door. */
  neighborUp(peer: string, options: NeighborOptions, now: number): void {
    this.#limits.neighborUp(peer)
    if (options.answersRepairs) this.#server.neighborUp(peer, now)
  }

  neighborDown(peer: string, now: number): void {
    this.#limits.neighborDown(peer)
    this.#server.neighborDown(peer)
    this.#passed.neighborDown(peer, now)
    this.#repairs.neighborDown(peer, now)
  }

  /** An envelope of our own was given to gossip. */
  published(envelope: Uint8Array, now: number): void {
    const key = toHex(Envelope.stream(envelope))
    this.#store.add(key, envelope, false, now)
    if ((Envelope.flags(envelope) & Envelope.Flag.neighborsOnly) === 0) {
      this.#server.noteHead(key, Envelope.stream(envelope), Envelope.lastSeq(envelope), now)
    }
  }

  /**
   * Judges a content before it is forwarded, and takes it if it is accepted. `isLate`: it had to wait for `allow`, so it is not forwarded
   * before it comes again.
   */
  receive(from: string, envelope: Uint8Array, scope: Envelope.EnvelopeScope, now: number, isLate = false): Judgement {
    const judgement = this.#judge(from, envelope, scope, now, isLate)
    if (judgement.verdict === "accept") this.stats.accepted++
    else if (judgement.verdict === "ignore") this.stats.ignored++
    else if (judgement.verdict === "reject") this.stats.rejected++
    return judgement
  }

  /** A repair message of a neighbour. False if it sent an envelope that is to be rejected: count it against the neighbour. */
  receiveRepair(from: string, message: RepairMessage, now: number): boolean {
    switch (message._tag) {
      case "Heads":
        this.#claims.receive(from, message.heads, now)
        return true
      case "Want":
        this.#server.want(from, message, now)
        return true
      case "Have":
        return message.envelopes.every((envelope) => this.#receiveHave(from, envelope, now))
      case "None": {
        const key = toHex(message.stream)
        this.#passed.none(key, message, from, now)
        const blocked = this.#authors.stream(key)?.order.blocked
        this.#repairs.none(key, from, blocked?.isBeforeStart === true, now)
        this.tick(now)
        return true
      }
      case "Seen":
      case "Whisper":
        return true
    }
  }

  /** Asks for what is missing, gives up what nobody has, tells heads. `isHeld`: the readers are slow, so nothing is asked for. */
  tick(now: number, isHeld = false): void {
    this.#store.evict(now)
    if (now >= this.#evictAt) {
      this.#evictAt = now + EVICT_MS
      this.#authors.evict(now)
    }
    const streamOf = (key: string) => this.#authors.stream(key)
    for (const action of isHeld ? [] : this.#repairs.tick(streamOf, this.#server.peers, now)) {
      switch (action._tag) {
        case "Ask":
          this.#send(action.peer, action.message)
          break
        case "GiveUp":
          this.#handle(action.stream, action.stream.order.giveUp())
          this.#limitWaiting(action.stream)
          this.#repairs.update(action.stream, now)
          break
        case "FalseHead":
          this.stats.falseHeads++
          this.#server.noteFalseHead(action.peer, now)
          break
      }
    }
    this.#passed.tick(now)
    this.#server.tick(now)
  }

  /** When `tick` has something to do. */
  get deadline(): number {
    const parts = [this.#repairs.deadline, this.#server.deadline, this.#passed.deadline]
    return Math.min(this.#evictAt, ...parts.map((deadline) => deadline ?? this.#evictAt))
  }

  #judge(from: string, envelope: Uint8Array, scope: Envelope.EnvelopeScope, now: number, isLate: boolean): Judgement {
    const early = checkHeader(this.#options.window, envelope, scope)
    if (early !== undefined) return early
    const admission = this.#admissionOf(envelope)
    if (admission === "refuse") return { verdict: "ignore", step: "author" }
    if (admission === undefined) return { verdict: "later", step: "author" }
    const key = toHex(Envelope.stream(envelope))
    const known = this.#judgeKnown(key, envelope, now)
    if (known !== undefined) return known
    if (!this.#hasRoom(key, envelope, from, now)) return { verdict: "ignore", step: "bounds" }
    const opened = this.#open(envelope)
    if (typeof opened === "string") {
      this.#limits.noteReject(from, now)
      return { verdict: "reject", step: opened }
    }
    this.#take(key, opened, from, isLate, now)
    return ACCEPTED
  }

  /** The judgement of an envelope whose place is taken: undefined if it is free. */
  #judgeKnown(key: string, envelope: Uint8Array, now: number): Judgement | undefined {
    const seq = Envelope.seq(envelope)
    const index = Envelope.index(envelope)
    const isOurs = key.startsWith(this.#options.self) && this.#store.get(key, seq, index) !== undefined
    if (this.#authors.isClosed(key)) return { verdict: "ignore", step: "repeat" }
    if (!isOurs && this.#authors.stream(key)?.order.isKnown(seq, index) !== true) return undefined
    const stored = this.#store.get(key, seq, index)
    if (stored !== undefined && equals(stored.envelope, envelope)) {
      if (!stored.cameByHave) return { verdict: "ignore", step: "repeat" }
      // It was delivered, and now it is forwarded.
      this.#store.noteForwarded(key, seq, index)
      return ACCEPTED
    }
    if (stored !== undefined && this.#limits.takeEquivocationCheck(now)) {
      if (typeof this.#open(envelope) !== "string") this.stats.equivocations++
    }
    return { verdict: "ignore", step: "repeat" }
  }

  #open(envelope: Uint8Array): ReturnType<typeof openEnvelope> {
    const { crypto, gossipTopic, window } = this.#options
    return openEnvelope(crypto, window, gossipTopic, envelope)
  }

  #hasRoom(key: string, envelope: Uint8Array, from: string, now: number): boolean {
    if (!this.#limits.isChecked(from, now)) return false
    if (this.#authors.stream(key) === undefined) {
      if (!this.#authors.hasRoom(key, now)) return false
      if (!this.#authors.isKnownAuthor(key) && !this.#limits.hasNewAuthor(from, now)) return false
    }
    return this.#authors.takeBytes(key, envelope.length, now)
  }

  #take(key: string, opened: OpenedEnvelope, from: string, cameByHave: boolean, now: number): void {
    const { envelope } = opened
    const seq = Envelope.seq(envelope)
    const isRepairable = (Envelope.flags(envelope) & Envelope.Flag.neighborsOnly) === 0
    let stream = this.#authors.stream(key)
    if (stream === undefined) {
      if (!this.#authors.isKnownAuthor(key)) this.#limits.noteNewAuthor(from, now)
      stream = this.#authors.open(key, this.#newOrder(key, seq, isRepairable), now)
    }
    this.#authors.touch(stream, now)
    this.#store.add(key, envelope, cameByHave, now)
    this.#givePassed(key, envelope, now)
    this.#handle(stream, stream.order.accept(opened, from, now))
    if (isRepairable) {
      this.#server.noteHead(key, stream.bytes, stream.order.highest, now)
      this.#repairs.update(stream, now)
    } else while (stream.order.blocked !== undefined) this.#handle(stream, stream.order.giveUp())
    this.#limitWaiting(stream)
  }

  /** The order of a stream whose first envelope here has this seq. */
  #newOrder(key: string, seq: number, isRepairable: boolean): StreamOrder {
    const { fromRecent, maxContentBytes = MAX_CONTENT_BYTES } = this.#options
    if (!isRepairable) return new StreamOrder(seq, seq, maxContentBytes)
    const canAsk = this.#server.peers.length > 0
    if (canAsk && fromRecent?.(key.slice(80)) === true) return new StreamOrder(1, seq, maxContentBytes)
    return new StreamOrder(this.#repairs.firstOf(key, seq, canAsk), seq, maxContentBytes, this.#claims.areHeard)
  }

  /** Over the limit of the topic, the stream that grew gives up its first gap. */
  #limitWaiting(stream: AuthorStream): void {
    while (!this.#limits.countWaiting(stream)) this.#handle(stream, stream.order.giveUp())
  }

  #receiveHave(from: string, envelope: Uint8Array, now: number): boolean {
    const early = checkHeader(this.#options.window, envelope, "swarm", true)
    if (early !== undefined) return early.verdict !== "reject"
    const key = toHex(Envelope.stream(envelope))
    const seq = Envelope.seq(envelope)
    const isWaitedFor = this.#passed.isWaitedFor(key, seqsOf(envelope))
    const order = this.#authors.stream(key)?.order
    // An envelope that was asked for in the name of a neighbour is perhaps missing here, too.
    const isMissing = isWaitedFor && order?.isKnown(seq, Envelope.index(envelope)) === false
    const isOurs = isMissing || this.#isAskedFor(key, seq, Envelope.index(envelope))
    if (!isOurs && !isWaitedFor) return true
    const admission = this.#admissionOf(envelope)
    // Without an answer it is asked for again.
    if (admission === undefined || admission === "refuse") return true
    if (!isOurs) return this.#receivePassed(from, key, envelope, now)
    if (this.#authors.isClosed(key)) return true
    if (!this.#hasRoom(key, envelope, from, now)) return true
    const opened = this.#open(envelope)
    if (typeof opened === "string") return false
    this.stats.repaired++
    this.#take(key, opened, from, true, now)
    return true
  }

  /** Whether we asked for the envelope, and lack it. */
  #isAskedFor(key: string, seq: number, index = 0): boolean {
    return this.#repairs.wasAskedFor(key, seq) && this.#authors.stream(key)?.order.isKnown(seq, index) !== true
  }

  /** An envelope that a neighbour waits for: it was sent before we came, so it is kept for neighbours and not delivered. */
  #receivePassed(from: string, key: string, envelope: Uint8Array, now: number): boolean {
    const isPart = (Envelope.flags(envelope) & Envelope.Flag.part) !== 0
    if (isPart || this.#store.get(key, Envelope.seq(envelope), 0) !== undefined) return true
    if (!this.#limits.isChecked(from, now) || !this.#authors.takeBytes(key, envelope.length, now)) return true
    if (typeof this.#open(envelope) === "string") return false
    this.#store.add(key, envelope, true, now)
    this.#givePassed(key, envelope, now)
    return true
  }

  #givePassed(key: string, envelope: Uint8Array, now: number): void {
    if (this.#passed.deadline === undefined) return
    for (const peer of this.#passed.askersOf(key, seqsOf(envelope))) this.#server.give(peer, envelope, now)
  }

  #admissionOf(envelope: Uint8Array): Admission {
    const { admission } = this.#options
    return admission === undefined ? "admit" : admission(toHex(Envelope.author(envelope)))
  }

  #handle(stream: AuthorStream, events: ReadonlyArray<OrderEvent>): void {
    const isSigned = (stream.bytes[40]! & 0x40) === 0
    for (const event of events) {
      if (event._tag === "Missed") this.stats.missed += event.to - event.from + 1
      this.#events.push({ _tag: "Order", stream, event, isSigned, isReplay: this.#isReplay })
    }
  }

  #send(to: string, message: RepairMessage): void {
    this.#events.push({ _tag: "Send", to, message })
  }
}

/** The sequence numbers of an envelope: several in a batch. */
const seqsOf = (envelope: Uint8Array): SeqRange => ({ from: Envelope.seq(envelope), to: Envelope.lastSeq(envelope) })
