/**
 * The proofs of membership that both sides of a connection have given each other, by topic: doors of members-only topics on streams of the
 * connection, valid for a limited time and renewed while a stream of the topic is open. The proof is bound to both endpoint ids, which
 * QUIC proved on this connection. Specified in PROTOCOL.md, "Peer streams".
 */
import type { Timer, Timers } from "@topic-tracker/common"
import type { BiStream, Connection } from "@topic-tracker/gossip"
import { type DoorEnd, type Doors, type DoorTopic, RENEW_MS } from "@topic-tracker/gossip/members"
import { failureOfDoor, type OpenFailure, type PeerLine } from "./PeerLine.ts"

/** Options of {@link TopicProofs}. */
export interface TopicProofsOptions {
  readonly connection: Connection
  readonly timers: Timers
  /** The doors of this protocol, of all connections. */
  readonly doors: Doors<PeerLine>
  /** Whether a stream of the topic is open on this connection. */
  readonly isUsed: (topic: string) => boolean
  /** The proof ended and was not renewed. */
  readonly ended: (topic: string) => void
}

/** A peer whose proof names an old minute has this time for a new one. */
const RECHECK_MS = 2_000

interface Proof {
  /** The minute whose keys were proven. */
  readonly epoch: number
  expiry: Timer
  renewal: Timer | undefined
}

export class TopicProofs {
  readonly #options: TopicProofsOptions
  readonly #proofs = new Map<string, Proof>()
  /** Openings that wait for a door of ours. */
  readonly #waiting = new Map<string, Array<(failure: OpenFailure | undefined) => void>>()
  #isClosed = false

  constructor(options: TopicProofsOptions) {
    this.#options = options
  }

  isProven(topic: string): boolean {
    return this.#proofs.has(topic)
  }

  /** Calls back when both sides have proven membership of the topic, or one could not. An open topic needs no proof. */
  ensure(line: PeerLine, done: (failure: OpenFailure | undefined) => void): void {
    const { door } = line
    if (door === undefined || this.#proofs.has(line.key)) {
      done(undefined)
      return
    }
    const waiting = this.#waiting.get(line.key)
    if (waiting !== undefined) {
      waiting.push(done)
      return
    }
    this.#waiting.set(line.key, [done])
    this.#openDoor(line.key, door, (output) => {
      const failure =
        output === undefined
          ? { reason: "Unreachable" as const, message: "the connection closed" }
          : output._tag === "Failed"
            ? failureOfDoor(output.reason, output.byPeer)
            : undefined
      const all = this.#waiting.get(line.key) ?? []
      this.#waiting.delete(line.key)
      for (const each of all) each(failure)
    })
  }

  /** Tells whether membership of the topic is proven, after a door that we are opening now. */
  whenSettled(topic: string, done: (isProven: boolean) => void): void {
    const waiting = this.#waiting.get(topic)
    if (waiting === undefined) done(this.isProven(topic))
    else waiting.push(() => done(this.isProven(topic)))
  }

  /** Proofs of earlier minutes than `epoch` do not count any more: the peer proves its membership now, or the proof has ended. */
  recheck(line: PeerLine, epoch: number): void {
    const { ended, timers } = this.#options
    const proof = this.#proofs.get(line.key)
    if (proof === undefined || proof.epoch >= epoch) return
    this.forget(line.key)
    const late = timers.schedule(RECHECK_MS, () => {
      if (!this.isProven(line.key)) ended(line.key)
    })
    this.ensure(line, (failure) => {
      timers.cancel(late)
      if (failure !== undefined) ended(line.key)
    })
  }

  /** The peer opened a door on this stream; `first` was read already. */
  answer(stream: BiStream, first: Uint8Array, over: () => void): void {
    const { connection, doors } = this.#options
    // The door proves membership; whether the peer is admitted is asked for each stream.
    doors.answer(connection.remoteId, replayed(stream, first), {
      ended: (end, line) => {
        if (end._tag === "Proven" && line !== undefined) this.#prove(line.key, end, false)
        stream.send.finish()
        over()
      },
    })
  }

  /** The topic is not here any more. */
  forget(topic: string): void {
    const proof = this.#proofs.get(topic)
    if (proof === undefined) return
    this.#proofs.delete(topic)
    this.#cancel(proof)
  }

  close(): void {
    this.#isClosed = true
    for (const proof of this.#proofs.values()) this.#cancel(proof)
    this.#proofs.clear()
  }

  #openDoor(key: string, topic: DoorTopic, done: (output: DoorEnd | undefined) => void): void {
    const { connection, doors } = this.#options
    connection.openBi((stream) => {
      if (stream === undefined) return done(undefined)
      doors.open(topic, connection.remoteId, stream, (end) => {
        stream.send.finish()
        if (end._tag === "Proven") this.#prove(key, end, true)
        done(end)
      })
    })
  }

  /** Both sides have proven membership now. The side that opened the door renews it. */
  #prove(key: string, { epoch, topic }: Extract<DoorEnd, { readonly _tag: "Proven" }>, isOpener: boolean): void {
    topic.window.noteProven(epoch)
    if (this.#isClosed) return
    const { ended, timers } = this.#options
    const before = this.#proofs.get(key)
    if (before !== undefined) this.#cancel(before)
    const expiry = timers.schedule(topic.window.overlap * 60_000, () => {
      this.forget(key)
      ended(key)
    })
    const proof: Proof = { epoch, expiry, renewal: undefined }
    this.#proofs.set(key, proof)
    if (isOpener) this.#renewIn(RENEW_MS, key, topic, proof)
  }

  #renewIn(ms: number, key: string, topic: DoorTopic, proof: Proof): void {
    const { isUsed, timers } = this.#options
    proof.renewal = timers.schedule(ms, () => {
      // Again after a third of the time, unless the door opens.
      this.#renewIn(RENEW_MS / 3, key, topic, proof)
      if (isUsed(key)) this.#openDoor(key, topic, () => {})
    })
  }

  #cancel({ expiry, renewal }: Proof): void {
    this.#options.timers.cancel(expiry)
    if (renewal !== undefined) this.#options.timers.cancel(renewal)
  }
}

/** The stream as if its first bytes had not been read. */
const replayed = (stream: BiStream, first: Uint8Array): BiStream => {
  let left: Uint8Array | undefined = first
  return {
    send: stream.send,
    receive: {
      stop: (code) => stream.receive.stop(code),
      read: (done) => {
        const bytes = left
        left = undefined
        if (bytes === undefined) stream.receive.read(done)
        else done(bytes)
      },
    },
  }
}
