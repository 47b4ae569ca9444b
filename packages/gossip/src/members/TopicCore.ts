/**
 * The synchronous part of a members-only topic: everything that runs within a callback of the engine, the router or a timer. It hands on what
 * the state gives: messages to the readers of their channel, repair messages to their neighbour.
 */
import { type EventQueue, Signal, type Timer, type Timers } from "@topic-tracker/common"
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import { toHex } from "@topic-tracker/common/Bytes"
import { EndpointId } from "@topic-tracker/crypto"
import { Door, Envelope, type EpochWindow, type MembersKeys, Note } from "@topic-tracker/crypto/members"
import { ReadGate } from "../engine/ReadGate.ts"
import type { ChannelEvent, MembersOptions } from "../model.ts"
import type { TransportHandler } from "../transport/Transport.ts"
import { Acknowledgements, answerOf, type LaterAnswer, readAnswer } from "./Acknowledgements.ts"
import type { Admissions } from "./Admissions.ts"
import type { ChannelPublisher } from "./ChannelPublisher.ts"
import { EarlyEvents } from "./EarlyEvents.ts"
import { LaterContents } from "./LaterContents.ts"
import { MembersState } from "./MembersState.ts"
import { NeighborScore } from "./NeighborScore.ts"
import type { RepairMessage } from "./repairMessages.ts"
import type { MembersEvent, MembersStats } from "./stateModel.ts"
import { TopicNotes } from "./TopicNotes.ts"

/** Peers whose flags are remembered. */
const MAX_FLAGS = 1024
/** While readers hold the topic back, nothing is asked for; the state is looked at so often. */
const HELD_TICK_MS = 100

/** A reader of a channel. */
export type Reader = EventQueue<ChannelEvent>

/** The parts of one topic that need no Effect. */
export class TopicCore {
  handler: TransportHandler = { connected: (connection) => connection.close(), dialFailed: () => {} }
  onBan: (peer: EndpointId.EndpointId, ms: number) => void = () => {}
  /** Publishes an acknowledgement for all members: a message of the channel without a name. */
  onAnswer: (extension: Uint8Array) => void = () => {}
  readonly notes: TopicNotes
  /** Open while the topic has a neighbour. */
  readonly hasNeighbor: Signal
  /** Open once a neighbour has told what was sent before we came. */
  readonly hasHeads: Signal
  /** Held while a reader with backpressure is full. */
  readonly gate = new ReadGate()
  readonly acknowledgements: Acknowledgements
  readonly #timers: Timers
  readonly #admissions: Admissions | undefined
  readonly #state: MembersState
  readonly #score = new NeighborScore()
  readonly #flags = new BoundedMap<string, number>(MAX_FLAGS)
  readonly #readers = new Map<string, Set<Reader>>()
  /** Channels that have had a reader. */
  readonly #opened = new Set<string>()
  readonly #early = new EarlyEvents<OrderedEvent>()
  /** Channels of which what was sent before we came is wanted. */
  readonly #recent = new Set<string>()
  readonly #publishers = new Map<string, ChannelPublisher>()
  readonly #repairs = new Map<string, (message: RepairMessage) => void>()
  readonly #later = new LaterContents()
  /** The reader of the events of a replay. */
  #replayTo: Reader | undefined
  #fullReaders = 0
  #neighborCount = 0
  #timer: Timer | undefined
  #isClosed = false

  constructor(
    options: Omit<MembersOptions, "allow"> & { readonly admissions?: Admissions | undefined },
    {
      keys,
      random,
      timers,
      window,
    }: {
      readonly keys: MembersKeys
      readonly window: EpochWindow
      readonly timers: Timers
      readonly random: () => number
    },
  ) {
    this.#timers = timers
    this.hasNeighbor = new Signal(timers, false)
    this.hasHeads = new Signal(timers, false)
    this.acknowledgements = new Acknowledgements(random)
    const { admissions } = options
    this.#admissions = admissions
    if (admissions !== undefined)
      admissions.onAuthor = (author, answer) => this.#judgeLater(author, answer !== undefined)
    const { crypto } = options
    const gossipTopic = keys.gossipTopic.bytes
    const self = EndpointId.fromBytes(options.author.publicKey)
    const admits = (author: EndpointId.EndpointId) =>
      admissions === undefined || admissions.current(author, "author") === "admit"
    this.notes = new TopicNotes({ crypto, gossipTopic, self, admits })
    this.#state = new MembersState({
      crypto,
      window,
      gossipTopic,
      self,
      now: timers.now(),
      ...(admissions && { admission: (author) => admissions.current(author as EndpointId.EndpointId, "author") }),
      fromRecent: (channel) => this.#recent.has(channel),
      ...(options.maxContentBytes !== undefined && { maxContentBytes: options.maxContentBytes }),
    })
  }

  get stats(): MembersStats {
    return this.#state.stats
  }

  get neighborCount(): number {
    return this.#neighborCount
  }

  noteNeighbors(count: number): void {
    this.#neighborCount = count
    if (count > 0) this.hasNeighbor.open()
    else this.hasNeighbor.close()
  }

  /** The statements of a peer that has proven membership: `DoorFlag` of crypto. */
  noteFlags(peer: EndpointId.EndpointId, flags: number): void {
    this.#flags.set(peer, flags)
  }

  validate(
    from: EndpointId.EndpointId,
    content: Uint8Array,
    scope: Envelope.EnvelopeScope,
  ): "accept" | "ignore" | "reject" {
    if (content[0] === Note.VERSION) {
      const verdict = this.notes.judge(from, content, scope, this.#timers.now())
      if (verdict === "reject") this.#noteReject(from)
      return verdict
    }
    const { verdict } = this.#state.receive(from, content, scope, this.#timers.now())
    if (verdict === "reject") this.#noteReject(from)
    this.#flush()
    if (verdict !== "later") return verdict
    this.#later.add({ from, content, scope })
    return "ignore"
  }

  /** Judges what waits of this author. It is not forwarded now: neighbours that lack it ask for it. Without an answer it is dropped. */
  #judgeLater(author: EndpointId.EndpointId, hasAnswer: boolean): void {
    for (const { content, from, scope } of this.#later.take(author)) {
      if (!hasAnswer) continue
      const { verdict } = this.#state.receive(from, content, scope, this.#timers.now(), true)
      if (verdict === "reject") this.#noteReject(from)
    }
    this.#flush()
  }

  published(envelope: Uint8Array): void {
    this.#state.published(envelope, this.#timers.now())
    this.#flush()
  }

  repairsOpened(peer: EndpointId.EndpointId, send: (message: RepairMessage) => void, takesWhispers: boolean): void {
    this.#repairs.set(peer, send)
    if (takesWhispers) this.notes.lineUp(peer, (bytes) => send({ _tag: "Whisper", bytes }))
    this.#state.neighborUp(peer, { answersRepairs: true }, this.#timers.now())
    this.#flush()
  }

  repairsClosed(peer: EndpointId.EndpointId): void {
    this.#repairs.delete(peer)
    // Answers that were on their way on the line may be lost.
    for (const answer of this.acknowledgements.unsure(peer, this.#timers.now())) this.#answerAfter(answer)
    this.notes.lineDown(peer)
    this.#state.neighborDown(peer, this.#timers.now())
    this.#flush()
  }

  repair(peer: EndpointId.EndpointId, message: RepairMessage): void {
    if (message._tag === "Seen") {
      this.acknowledgements.note(toHex(message.stream), message.seq, peer)
      return
    }
    if (message._tag === "Whisper") {
      this.notes.receiveWhisper(peer, message.bytes)
      return
    }
    if (!this.#state.receiveRepair(peer, message, this.#timers.now())) this.#noteReject(peer)
    if (this.#state.hasHeads) this.hasHeads.open()
    this.#flush()
  }

  publisher(channel: string, make: () => ChannelPublisher): ChannelPublisher {
    const found = this.#publishers.get(channel) ?? make()
    this.#publishers.set(channel, found)
    return found
  }

  get publishers(): Iterable<ChannelPublisher> {
    return this.#publishers.values()
  }

  /**
   * The first reader of a channel gets what came since the join. `isRecent`: the reader gets what the neighbours and we still have of the
   * channel, too. After {@link close} its stream ends at once.
   */
  addReader(channel: string, queue: Reader, isRecent: boolean): void {
    // `close` goes through the readers, and one that learns of its end may come back within that call.
    if (this.#isClosed) {
      queue.close()
      return
    }
    const readers = this.#readers.get(channel)
    if (readers === undefined) this.#readers.set(channel, new Set([queue]))
    else readers.add(queue)
    this.#opened.add(channel)
    const early = this.#early.take(channel)
    if (!isRecent) {
      if (early.skipped > 0) queue.push({ _tag: "Lagged", skipped: early.skipped })
      for (const event of early.events) this.#deliver(event)
      return
    }
    this.#recent.add(channel)
    this.#replayTo = queue
    this.#state.replay(channel, readers === undefined, this.#timers.now())
    this.#flush()
    this.#replayTo = undefined
  }

  removeReader(channel: string, queue: Reader): void {
    const readers = this.#readers.get(channel)
    readers?.delete(queue)
    if (readers?.size === 0) this.#readers.delete(channel)
    queue.discard()
  }

  /** A reader with backpressure has read all. */
  readerDrained(queue: Reader): void {
    if (!queue.hasBackpressure || --this.#fullReaders > 0) return
    this.gate.release()
    this.#flush()
  }

  close(): void {
    this.#isClosed = true
    if (this.#timer !== undefined) this.#timers.cancel(this.#timer)
    for (const publisher of this.#publishers.values()) publisher.close()
    // A publish that waits for a neighbour learns that there will be none.
    this.hasNeighbor.open()
    for (const readers of this.#readers.values()) for (const queue of readers) queue.close()
  }

  #noteReject(from: EndpointId.EndpointId): void {
    const flags = this.#flags.get(from) ?? Door.DoorFlag.validates
    const ms = this.#score.noteReject(from, (flags & Door.DoorFlag.validates) !== 0, this.#timers.now())
    // In a turn of its own: this call may come from within the engine.
    if (ms !== undefined) this.#timers.runSoon(() => this.onBan(from, ms))
  }

  /** Hands on what the state gave, and sets the timer for its next deadline. */
  #flush(): void {
    for (const each of this.#state.takeEvents()) {
      if (each._tag === "Send") this.#repairs.get(each.to)?.(each.message)
      else this.#deliver(each)
    }
    if (this.#isClosed) return
    const { deadline } = this.#state
    const at = this.gate.isHeld ? Math.max(deadline, this.#timers.now() + HELD_TICK_MS) : deadline
    if (this.#timer !== undefined) {
      if (this.#timer.index >= 0 && this.#timer.at <= at) return
      this.#timers.cancel(this.#timer)
    }
    this.#timer = this.#timers.schedule(Math.max(0, at - this.#timers.now()), () => {
      this.#state.tick(this.#timers.now(), this.gate.isHeld)
      this.#flush()
    })
  }

  #deliver(ordered: OrderedEvent): void {
    const { event, isReplay, isSigned, stream } = ordered
    if (event._tag === "Ended") return
    if (event._tag === "Deliver" && event.extension !== undefined && !isReplay) {
      const answer = readAnswer(event.extension)
      if (answer !== undefined) {
        // In a group channel anybody could answer in the name of others.
        if (isSigned) this.acknowledgements.note(answer.stream, answer.seq, stream.author)
        return
      }
    }
    const readers = this.#readers.get(stream.channel)
    if (readers === undefined) {
      if (this.#opened.has(stream.channel)) return
      this.#early.add(stream.channel, ordered, event._tag === "Deliver" ? event.message.length : 0)
      return
    }
    const author = stream.author as EndpointId.EndpointId
    if (this.#admissions?.current(author, "author") === "mute") return
    const { session } = stream
    for (const queue of readers) {
      if (isReplay && queue !== this.#replayTo) continue
      const made: ChannelEvent =
        event._tag === "Missed"
          ? { _tag: "Missed", author, session, from: event.from, to: event.to }
          : {
              _tag: "Received",
              author,
              proven: isSigned,
              session,
              seq: event.seq,
              // Each reader has bytes of its own: they are parts of the envelope that is kept for others.
              message: event.message.slice(),
              deliveredFrom: event.from as EndpointId.EndpointId,
            }
      if (!queue.push(made) || !queue.hasBackpressure) continue
      this.#fullReaders++
      this.gate.hold()
    }
    if (event._tag === "Deliver" && (event.flags & Envelope.Flag.acknowledge) !== 0 && !isReplay) {
      this.#acknowledge(stream, event.seq, event.extension)
    }
  }

  #acknowledge(stream: OrderedEvent["stream"], seq: number, extension: Uint8Array | undefined): void {
    const author = { id: stream.author, isNeighbor: this.#repairs.has(stream.author) }
    const plan = this.acknowledgements.plan(stream.key, seq, author, extension, this.#timers.now())
    if (plan?._tag === "Seen") this.#repairs.get(stream.author)?.({ _tag: "Seen", stream: stream.bytes, seq })
    else if (plan?._tag === "After") this.#answerAfter(plan)
  }

  /** Broadcasts the answer after its time, unless enough others have answered by then. */
  #answerAfter(answer: LaterAnswer): void {
    this.#timers.schedule(answer.ms, () => {
      if (!this.#isClosed && this.acknowledgements.isDue(answer, this.#timers.now())) this.onAnswer(answerOf(answer))
    })
  }
}

type OrderedEvent = Extract<MembersEvent, { readonly _tag: "Order" }>
