/**
 * One connection to a peer: its streams, openings in both directions, and the proofs of membership that were given on it. Callbacks and
 * plain data. It knows no Socket, and of other connections only what the hub tells.
 */
import type { Timer, Timers } from "@topic-tracker/common"
import { concat, toHex } from "@topic-tracker/common/Bytes"
import type { BiStream, Connection } from "@topic-tracker/gossip"
import type { ByteRate } from "./ByteRate.ts"
import { FramedStream } from "./FramedStream.ts"
import { failureOfAnswer, type OpenFailure, type PeerLine } from "./PeerLine.ts"
import type { SlicePolicy } from "./SlicePolicy.ts"
import { TopicProofs, type TopicProofsOptions } from "./TopicProofs.ts"
import type { WindowPool } from "./WindowPool.ts"
import { type Answer, DOOR_BYTE, decodeAnswer, decodeOpening, encodeAnswer, encodeOpening } from "./wire.ts"

/** The time that an opener has for its first message. */
const OPENING_MS = 5_000

/** Codes of resets that end a stream for a reason of the connection. */
export const NOT_A_MEMBER_CODE = 4_003
export const LEFT_CODE = 4_001

/** Options of {@link PeerConnection}. */
export interface PeerConnectionOptions {
  readonly connection: Connection
  readonly timers: Timers
  readonly lingerMs: number
  readonly pool: WindowPool
  readonly rate: ByteRate
  readonly slices: SlicePolicy
  readonly doors: TopicProofsOptions["doors"]
  /** Whether the peer may open one more stream now; false is answered at once. */
  readonly admit: () => boolean
  /** A stream that `admit` let in is over, or was refused. */
  readonly release: () => void
  /** Decides about an opening. */
  readonly decide: (
    opening: { readonly topic: string; readonly protocol: string },
    isProven: boolean,
    answer: (answer: Answer, accept?: (stream: FramedStream) => void) => void,
  ) => void
  /** The peer broke the protocol: the connection closes. */
  readonly violated: () => void
  /** Runs once, when the connection is gone. */
  readonly closed: () => void
}

/** An opening of ours. */
export interface OpenAttempt {
  readonly cancel: () => void
  /** The step that it waits for now. */
  readonly stage: () => string
}

export class PeerConnection {
  readonly #options: PeerConnectionOptions
  readonly #proofs: TopicProofs
  /** The open streams with the topics that they belong to. */
  readonly #streams = new Map<FramedStream, string>()
  #pending = 0
  #linger: Timer | undefined
  #isClosed = false

  constructor(options: PeerConnectionOptions) {
    this.#options = options
    const { connection, doors, timers } = options
    this.#proofs = new TopicProofs({
      doors,
      connection,
      timers,
      isUsed: (topic) => [...this.#streams.values()].includes(topic),
      ended: (topic) => this.#endProven(topic),
    })
    connection.onClosed(() => this.#gone())
    this.#lingerIfIdle()
    this.#accept()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether a stream is open or being opened. */
  get isUsed(): boolean {
    return this.#streams.size > 0 || this.#pending > 0
  }

  close(): void {
    this.#options.connection.close()
    this.#gone()
  }

  /** The topic is not here any more. */
  forget(topic: string): void {
    this.#endStreams(topic, LEFT_CODE, "the topic was left")
    this.#proofs.forget(topic)
  }

  /** The peer is no member of the topic any more. */
  exclude(topic: string): void {
    this.#proofs.forget(topic)
    this.#endProven(topic)
  }

  /** Proofs of earlier minutes do not count any more. */
  recheck(line: PeerLine, epoch: number): void {
    this.#proofs.recheck(line, epoch)
  }

  /** Opens a stream; "lost" if the connection went away before the answer. */
  open(line: PeerLine, protocol: string, done: (result: FramedStream | OpenFailure | "lost") => void): OpenAttempt {
    let stage = "the proof of membership"
    let raw: BiStream | undefined
    let isOver = false
    this.#began()
    const finish = (result: FramedStream | OpenFailure | "lost"): void => {
      if (isOver) return
      isOver = true
      this.#ended()
      done(result)
    }
    const attempt = (isAgain: boolean): void => {
      stage = "the proof of membership"
      this.#proofs.ensure(line, (failure) => {
        if (isOver) return
        if (failure !== undefined) return finish(failure)
        stage = "leave to open one more stream"
        this.#options.connection.openBi((stream) => {
          if (stream === undefined) return finish("lost")
          if (isOver) return stream.send.reset(LEFT_CODE)
          raw = stream
          stage = "the peer's answer"
          stream.send.write(encodeOpening({ topic: line.topic, protocol }), () => {})
          stream.receive.read((bytes) => {
            if (isOver) return
            if (bytes === undefined) return finish(this.#isClosed ? "lost" : failureOfAnswer("refused"))
            const answer = decodeAnswer(bytes[0]!)
            if (answer === "open") return finish(this.#adopt(stream, line.key, bytes.subarray(1), () => {}))
            stream.send.finish()
            if (answer !== "not proven" || isAgain) return finish(failureOfAnswer(answer))
            // Our proof does not count for the peer any more: a new one tells whether we are still a member.
            this.#proofs.forget(line.key)
            attempt(true)
          })
        })
      })
    }
    attempt(false)
    return {
      stage: () => stage,
      cancel: () => {
        if (isOver) return
        isOver = true
        raw?.send.reset(LEFT_CODE)
        this.#ended()
      },
    }
  }

  #endProven(topic: string): void {
    this.#endStreams(topic, NOT_A_MEMBER_CODE, "no valid proof of membership")
  }

  #endStreams(topic: string, code: number, reason: string): void {
    for (const [stream, of] of [...this.#streams]) if (of === topic) stream.reset(code, { code, reason })
  }

  #adopt(stream: BiStream, topic: string, first: Uint8Array, over: () => void): FramedStream {
    const { pool, rate, slices, timers } = this.#options
    const framed: FramedStream = new FramedStream({
      stream,
      timers,
      pool,
      rate,
      slices,
      over: () => {
        this.#streams.delete(framed)
        over()
        this.#lingerIfIdle()
      },
      violated: () => {
        this.#options.violated()
        this.close()
      },
    })
    this.#streams.set(framed, topic)
    this.#stopLinger()
    framed.start(first)
    return framed
  }

  // Streams that the peer opens

  #accept(): void {
    this.#options.connection.acceptBi((stream) => {
      if (stream === undefined || this.#isClosed) return
      if (this.#options.admit()) this.#readOpening(stream)
      else this.#refuse(stream, "too many streams")
      // A new turn: the call may call back within itself.
      this.#options.timers.runSoon(() => this.#accept())
    })
  }

  #refuse(stream: BiStream, answer: Answer): void {
    stream.send.write(encodeAnswer(answer), () => {})
    stream.send.finish()
    stream.receive.stop()
  }

  #readOpening(stream: BiStream): void {
    const { release, timers } = this.#options
    let bytes: Uint8Array = new Uint8Array(0)
    let isOver = false
    this.#began()
    const end = (): void => {
      if (isOver) return
      isOver = true
      timers.cancel(timer)
      this.#ended()
    }
    const broken = (): void => {
      end()
      release()
      stream.send.reset(1_002)
      stream.receive.stop()
    }
    const timer = timers.schedule(OPENING_MS, () => {
      if (!isOver) broken()
    })
    const read = (): void => {
      stream.receive.read((more) => {
        if (isOver) return
        if (more === undefined) return broken()
        bytes = bytes.length === 0 ? more : concat(bytes, more)
        if (bytes[0] === DOOR_BYTE) {
          end()
          this.#proofs.answer(stream, bytes, release)
          return
        }
        const opening = decodeOpening(bytes)
        if (opening === "malformed") return broken()
        if (opening === undefined) return timers.runSoon(read)
        end()
        this.#decide(stream, { topic: toHex(opening.topic), protocol: opening.protocol })
      })
    }
    read()
  }

  #decide(stream: BiStream, opening: { readonly topic: string; readonly protocol: string }): void {
    const { decide, release } = this.#options
    this.#began()
    const decided = (answer: Answer, accept?: (stream: FramedStream) => void): void => {
      this.#ended()
      if (this.#isClosed || answer !== "open" || accept === undefined) {
        release()
        if (!this.#isClosed) this.#refuse(stream, answer)
        return
      }
      stream.send.write(encodeAnswer("open"), () => {
        accept(this.#adopt(stream, opening.topic, new Uint8Array(0), release))
      })
    }
    this.#proofs.whenSettled(opening.topic, (isProven) => decide(opening, isProven, decided))
  }

  // The life of the connection

  #began(): void {
    this.#pending++
    this.#stopLinger()
  }

  #ended(): void {
    this.#pending--
    this.#lingerIfIdle()
  }

  #stopLinger(): void {
    if (this.#linger !== undefined) this.#options.timers.cancel(this.#linger)
    this.#linger = undefined
  }

  #lingerIfIdle(): void {
    if (this.isUsed || this.#isClosed) return
    this.#stopLinger()
    this.#linger = this.#options.timers.schedule(this.#options.lingerMs, () => this.close())
  }

  #gone(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stopLinger()
    this.#proofs.close()
    for (const stream of [...this.#streams.keys()]) stream.endRest()
    this.#options.closed()
  }
}
