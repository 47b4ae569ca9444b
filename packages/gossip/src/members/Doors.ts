/**
 * The doors of one protocol of a node: opens and answers them on streams, finds the topic that a peer asks for, and keeps peers away that failed. It
 * knows neither what a proof is good for nor how long it counts: its callers do.
 */
import type { Timers } from "@topic-tracker/common"
import { EndpointId } from "@topic-tracker/crypto"
import type { BiStream } from "../transport/Connection.ts"
import { DoorAcceptor, DoorDialler, type DoorOutput, type DoorTopic } from "./Door.ts"
import { DoorGuard } from "./DoorGuard.ts"
import type { DoorAnswer } from "./MembersLine.ts"
import { runDoor } from "./runDoor.ts"

/**
 * The end of a door.
 *
 * @since 0.1.0
 * @category models
 */
export type DoorEnd = Extract<DoorOutput, { readonly _tag: "Proven" | "Failed" }>

/**
 * Options of {@link Doors}.
 *
 * @since 0.1.0
 * @category options
 */
export interface DoorsOptions<Line> {
  readonly self: EndpointId.EndpointId
  readonly timers: Timers
  /** What we state about ourselves: `DoorFlag` of crypto. */
  readonly flags: number
  /** The topics of this node. Those without a door are open to everybody. */
  readonly lines: () => Iterable<Line>
}

/**
 * What {@link Doors.answer} needs besides the stream.
 *
 * @since 0.1.0
 * @category options
 */
export interface AnswerOptions<Line> {
  /** Only this topic is here. Default: all. */
  readonly only?: Line | undefined
  /** Whether the peer may enter. Default: everybody with the secret may. */
  readonly ask?: (line: Line, answer: (answer: DoorAnswer) => void) => void
  /** `line`: the topic whose door opened. */
  readonly ended: (end: DoorEnd, line: Line | undefined) => void
}

/**
 * The doors of a protocol. `Line` is a topic as the protocol knows it.
 *
 * @since 0.1.0
 * @category models
 */
export class Doors<Line extends { readonly door: DoorTopic | undefined }> {
  readonly #options: DoorsOptions<Line>
  readonly #self: Uint8Array
  readonly #guard = new DoorGuard()

  constructor(options: DoorsOptions<Line>) {
    this.#options = options
    this.#self = EndpointId.bytes(options.self)
  }

  /** Opens the door of a topic on a stream of ours. */
  open(topic: DoorTopic, peer: EndpointId.EndpointId, stream: BiStream, ended: (end: DoorEnd) => void): void {
    const { flags, timers } = this.#options
    const dialler = new DoorDialler({
      topic,
      self: this.#self,
      peer: EndpointId.bytes(peer),
      flags,
      now: timers.now(),
    })
    runDoor(stream, dialler, timers, {
      ask: (_topic, answer) => answer("admit"),
      ended: (end) => {
        this.#note(peer, end)
        ended(end)
      },
    })
  }

  /** Answers a door on a stream that the peer opened. */
  answer(
    peer: EndpointId.EndpointId,
    stream: BiStream,
    { ask = (_line, answer) => answer("admit"), ended, only }: AnswerOptions<Line>,
  ): void {
    const { flags, timers } = this.#options
    const acceptor = new DoorAcceptor({
      findTag: (doorTag) => (this.#guard.mayTry(peer, timers.now()) ? this.#findTag(doorTag, only) : undefined),
      self: this.#self,
      peer: EndpointId.bytes(peer),
      flags,
      now: timers.now(),
    })
    runDoor(stream, acceptor, timers, {
      ask: (topic, answer) => {
        const line = this.#lineOf(topic)
        if (line === undefined) answer("busy")
        else ask(line, answer)
      },
      ended: (end) => {
        this.#note(peer, end)
        ended(end, end._tag === "Proven" ? this.#lineOf(end.topic) : undefined)
      },
    })
  }

  /** Refuses the peer for a time, for what it did after its door was open. */
  ban(peer: EndpointId.EndpointId, ms: number): void {
    this.#guard.ban(peer, ms, this.#options.timers.now())
  }

  #note(peer: EndpointId.EndpointId, end: DoorEnd): void {
    if (end._tag === "Proven" || end.byPeer) return
    const now = this.#options.timers.now()
    if (end.reason === "proof wrong") this.#guard.noteWrongProof(peer, now)
    if (end.reason === "not here") this.#guard.noteUnknownTag(peer, now)
  }

  #findTag(doorTag: Uint8Array, only: Line | undefined) {
    for (const { door } of only === undefined ? this.#options.lines() : [only]) {
      const keys = door?.window.findTag(doorTag)
      if (door !== undefined && keys !== undefined) return { topic: door, keys }
    }
    return undefined
  }

  #lineOf(topic: DoorTopic): Line | undefined {
    for (const line of this.#options.lines()) if (line.door === topic) return line
    return undefined
  }
}
