/**
 * The proofs of membership that both sides of a connection have given each other, by topic: doors of members-only topics on streams of the
 * connection, valid for a limited time and renewed while a stream of the topic is open. The proof is bound to both endpoint ids, which
 * QUIC proved on this connection. Specified in PROTOCOL.md, "Peer streams".
 */
import type { Timer, Timers } from "@topic-tracker/common"
import { EndpointId } from "@topic-tracker/crypto"
import type { BiStream, Connection } from "@topic-tracker/gossip"
import {
  DoorAcceptor,
  DoorDialler,
  type DoorGuard,
  type DoorOutput,
  type DoorTopic,
  RENEW_MS,
  runDoor,
} from "@topic-tracker/gossip/members"
import { failureOfDoor, type OpenFailure, type PeerLine } from "./PeerLine.ts"

/** Options of {@link TopicProofs}. */
export interface TopicProofsOptions {
  readonly connection: Connection
  readonly timers: Timers
  readonly self: EndpointId.EndpointId
  readonly guard: DoorGuard
  readonly randomBytes: (length: number) => Uint8Array
  /** The members-only topics that are here, by their keys. */
  readonly lines: () => Iterable<PeerLine>
  /** Whether a stream of the topic is open on this connection. */
  readonly isUsed: (topic: string) => boolean
  /** The proof ended and was not renewed. */
  readonly ended: (topic: string) => void
}

interface Proof {
  expiry: Timer
  renewal: Timer | undefined
}

type DoorEnd = Extract<DoorOutput, { readonly _tag: "Proven" | "Failed" }>

/** Nothing about repair messages or gossip is stated here. */
const NO_FLAGS = 0

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

  /** The peer opened a door on this stream; `first` was read already. */
  answer(stream: BiStream, first: Uint8Array, over: () => void): void {
    const { connection, guard, randomBytes, self, timers } = this.#options
    const peer = connection.remoteId
    const acceptor = new DoorAcceptor({
      findTag: (doorTag) => (guard.mayTry(peer, timers.now()) ? this.#findTag(doorTag) : undefined),
      self: EndpointId.bytes(self),
      peer: EndpointId.bytes(peer),
      nonce: randomBytes(32),
      flags: NO_FLAGS,
      now: timers.now(),
    })
    runDoor(replayed(stream, first), acceptor, timers, {
      // The door proves membership; whether the peer is admitted is asked for each stream.
      ask: (_topic, answer) => answer("admit"),
      ended: (output) => {
        this.#note(output)
        if (output._tag === "Proven") {
          const line = this.#lineOf(output.topic)
          if (line !== undefined) this.#prove(line.key, output.topic, false)
        }
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
    const { connection, randomBytes, self, timers } = this.#options
    connection.openBi((stream) => {
      if (stream === undefined) return done(undefined)
      const dialler = new DoorDialler({
        topic,
        self: EndpointId.bytes(self),
        peer: EndpointId.bytes(connection.remoteId),
        nonce: randomBytes(32),
        flags: NO_FLAGS,
        now: timers.now(),
      })
      runDoor(stream, dialler, timers, {
        ask: (_topic, answer) => answer("admit"),
        ended: (output) => {
          this.#note(output)
          stream.send.finish()
          if (output._tag === "Proven") this.#prove(key, topic, true)
          done(output)
        },
      })
    })
  }

  /** Both sides have proven membership now. The side that opened the door renews it. */
  #prove(key: string, topic: DoorTopic, isOpener: boolean): void {
    if (this.#isClosed) return
    const { ended, timers } = this.#options
    const before = this.#proofs.get(key)
    if (before !== undefined) this.#cancel(before)
    const expiry = timers.schedule(topic.window.overlap * 60_000, () => {
      this.forget(key)
      ended(key)
    })
    const proof: Proof = { expiry, renewal: undefined }
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

  #note(output: DoorEnd): void {
    if (output._tag === "Proven") {
      output.topic.window.noteProven(output.epoch)
      return
    }
    const { connection, guard, timers } = this.#options
    if (output.byPeer) return
    if (output.reason === "proof wrong") guard.noteWrongProof(connection.remoteId, timers.now())
    if (output.reason === "not here") guard.noteUnknownTag(connection.remoteId, timers.now())
  }

  #findTag(doorTag: Uint8Array) {
    for (const { door } of this.#options.lines()) {
      const keys = door?.window.findTag(doorTag)
      if (door !== undefined && keys !== undefined) return { topic: door, keys }
    }
    return undefined
  }

  #lineOf(topic: DoorTopic): PeerLine | undefined {
    for (const line of this.#options.lines()) if (line.door === topic) return line
    return undefined
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
