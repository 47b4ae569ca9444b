/**
 * The synchronous part of a members-only topic: everything that runs within a callback of the engine, the router or a timer. It hands on what
 * the state gives: messages to the readers of their channel, repair messages to their neighbour.
 */
import { type EventQueue, Signal, type Timer, type Timers } from "@topic-tracker/common"
import { EndpointId } from "@topic-tracker/crypto"
import type { Envelope, EpochWindow, MembersKeys } from "@topic-tracker/crypto/members"
import type { ChannelEvent, MembersOptions } from "../model.ts"
import type { TransportHandler } from "../transport/Transport.ts"
import type { ChannelWriter } from "./ChannelWriter.ts"
import { type MembersEvent, MembersState, type MembersStats } from "./MembersState.ts"
import { NeighborScore } from "./NeighborScore.ts"
import type { RepairMessage } from "./repairMessages.ts"

/** The parts of one topic that need no Effect. */
export class TopicCore {
  handler: TransportHandler = { connected: (connection) => connection.close(), dialFailed: () => {} }
  onBan: (peer: EndpointId.EndpointId, ms: number) => void = () => {}
  /** Open while the topic has a neighbour. */
  readonly hasNeighbor: Signal
  readonly #timers: Timers
  readonly #state: MembersState
  readonly #score = new NeighborScore()
  readonly #readers = new Map<string, Set<EventQueue<ChannelEvent>>>()
  readonly #writers = new Map<string, ChannelWriter>()
  readonly #repairs = new Map<string, (message: RepairMessage) => void>()
  #timer: Timer | undefined
  #isClosed = false

  constructor(options: MembersOptions, keys: MembersKeys, window: EpochWindow, timers: Timers) {
    this.#timers = timers
    this.hasNeighbor = new Signal(timers, false)
    this.#state = new MembersState({
      crypto: options.crypto,
      window,
      gossipTopic: keys.gossipTopic.bytes,
      self: EndpointId.fromBytes(options.author.publicKey),
      now: timers.now(),
      ...(options.maxContentBytes !== undefined && { maxContentBytes: options.maxContentBytes }),
    })
  }

  get stats(): MembersStats {
    return this.#state.stats
  }

  noteNeighbors(count: number): void {
    if (count > 0) this.hasNeighbor.open()
    else this.hasNeighbor.close()
  }

  validate(
    from: EndpointId.EndpointId,
    content: Uint8Array,
    scope: Envelope.EnvelopeScope,
  ): "accept" | "ignore" | "reject" {
    const { verdict } = this.#state.receive(from, content, scope, this.#timers.now())
    if (verdict === "reject") this.#noteReject(from)
    this.#flush()
    return verdict === "later" ? "ignore" : verdict
  }

  published(envelope: Uint8Array): void {
    this.#state.published(envelope, this.#timers.now())
    this.#flush()
  }

  repairsOpened(peer: EndpointId.EndpointId, send: (message: RepairMessage) => void): void {
    this.#repairs.set(peer, send)
    this.#state.neighborUp(peer, { answersRepairs: true }, this.#timers.now())
    this.#flush()
  }

  repairsClosed(peer: EndpointId.EndpointId): void {
    this.#repairs.delete(peer)
    this.#state.neighborDown(peer)
  }

  repair(peer: EndpointId.EndpointId, message: RepairMessage): void {
    if (!this.#state.receiveRepair(peer, message, this.#timers.now())) this.#noteReject(peer)
    this.#flush()
  }

  writer(channel: string, make: () => ChannelWriter): ChannelWriter {
    const found = this.#writers.get(channel) ?? make()
    this.#writers.set(channel, found)
    return found
  }

  addReader(channel: string, queue: EventQueue<ChannelEvent>): void {
    const readers = this.#readers.get(channel) ?? new Set()
    readers.add(queue)
    this.#readers.set(channel, readers)
  }

  removeReader(channel: string, queue: EventQueue<ChannelEvent>): void {
    const readers = this.#readers.get(channel)
    readers?.delete(queue)
    if (readers?.size === 0) this.#readers.delete(channel)
    queue.close()
  }

  close(): void {
    this.#isClosed = true
    if (this.#timer !== undefined) this.#timers.cancel(this.#timer)
    for (const readers of this.#readers.values()) for (const queue of readers) queue.close()
  }

  #noteReject(from: EndpointId.EndpointId): void {
    const ms = this.#score.noteReject(from, true, this.#timers.now())
    // In a turn of its own: this call may come from within the engine.
    if (ms !== undefined) this.#timers.runSoon(() => this.onBan(from, ms))
  }

  /** Hands on what the state gave, and sets the timer for its next deadline. */
  #flush(): void {
    for (const each of this.#state.takeEvents()) {
      if (each._tag === "Send") this.#repairs.get(each.to)?.(each.message)
      else this.#deliver(each.stream.key, each.event, each.isSigned)
    }
    if (this.#isClosed) return
    const at = this.#state.deadline
    if (this.#timer !== undefined) {
      if (this.#timer.index >= 0 && this.#timer.at <= at) return
      this.#timers.cancel(this.#timer)
    }
    this.#timer = this.#timers.schedule(Math.max(0, at - this.#timers.now()), () => {
      this.#state.tick(this.#timers.now())
      this.#flush()
    })
  }

  #deliver(stream: string, event: OrderEventOf, proven: boolean): void {
    const readers = this.#readers.get(stream.slice(80))
    if (readers === undefined || event._tag === "Ended") return
    const author = stream.slice(0, 64) as EndpointId.EndpointId
    const session = stream.slice(64, 80)
    for (const queue of readers) {
      if (event._tag === "Missed") queue.push({ _tag: "Missed", author, session, from: event.from, to: event.to })
      else {
        const deliveredFrom = event.from as EndpointId.EndpointId
        // Each reader has bytes of its own: they are parts of the envelope that is kept for others.
        queue.push({
          _tag: "Received",
          author,
          proven,
          session,
          seq: event.seq,
          message: event.message.slice(),
          deliveredFrom,
        })
      }
    }
  }
}

type OrderEventOf = Extract<MembersEvent, { readonly _tag: "Order" }>["event"]
