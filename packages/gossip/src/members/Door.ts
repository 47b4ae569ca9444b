/**
 * The door of a members-only topic: two state machines, one for each side of a connection, that end in a proof of membership or in a
 * refusal. Bytes, the time and the answer of `allow` go in; bytes, the proof and the refusal come out. They know no connection and no
 * clock: the caller writes what they send and calls `timeUp` at their deadline. Specified in PROTOCOL.md, "Members-only topics".
 */
import { concat } from "@topic-tracker/common/Bytes"
import { Door, type EpochKeys, type EpochWindow } from "@topic-tracker/crypto/members"

/**
 * A door that is not open so long after it began is closed.
 *
 * @since 0.1.0
 * @category constants
 */
export const DOOR_MS = 5_000
/**
 * The time that `allow` has, within {@link DOOR_MS}.
 *
 * @since 0.1.0
 * @category constants
 */
export const ALLOW_MS = 1_000
/** The bytes that a dialler sends before it has the acceptor's proof. */
const MAX_DIALLER_BYTES = Door.M1_BYTES + Door.M3_BYTES

/**
 * Why a door ended without a proof: a code that was sent or received, or a reason that has none.
 *
 * @since 0.1.0
 * @category errors
 */
export type DoorFailure = Door.DoorRefusal | "time" | "malformed"

/**
 * What the caller must do, in order. After `Proven` and `Failed` the machine is finished.
 *
 * @since 0.1.0
 * @category models
 */
export type DoorOutput =
  | { readonly _tag: "Send"; readonly bytes: Uint8Array }
  /** Acceptor only: ask whether the peer may enter, and call `answer`. */
  | { readonly _tag: "AskAllow"; readonly topic: DoorTopic }
  | {
      readonly _tag: "Proven"
      readonly topic: DoorTopic
      /** The flags that the peer sent: `DoorFlag` of crypto. */
      readonly peerFlags: number
      /** The later minute of both sides: give it to `EpochWindow.noteProven`. */
      readonly epoch: number
      /** Bytes after the last message of the door: the first ones of the repair messages. */
      readonly rest: Uint8Array
    }
  | {
      readonly _tag: "Failed"
      readonly reason: DoorFailure
      /** True if the peer refused us; false if we refused it, or it did not keep to the protocol. */
      readonly byPeer: boolean
    }

/**
 * The keys of a topic at the door.
 *
 * @since 0.1.0
 * @category models
 */
export interface DoorTopic {
  readonly gossipTopic: Uint8Array
  readonly window: EpochWindow
  /** 32 new random bytes. */
  readonly nonce: () => Uint8Array
}

interface DoorOptions {
  /** Both endpoint ids as the connection reports them, 32 bytes each. */
  readonly self: Uint8Array
  readonly peer: Uint8Array
  /** What we state about ourselves: `DoorFlag` of crypto. */
  readonly flags: number
  /** ms, on any monotonic clock. */
  readonly now: number
}

const NO_BYTES = new Uint8Array(0)

/** What both sides share: the buffer, the deadline, and the end. */
abstract class DoorMachine {
  protected buffer: Uint8Array = NO_BYTES
  protected finished = false
  #deadline: number | undefined

  protected constructor(now: number) {
    this.#deadline = now + DOOR_MS
  }

  /** When to call `timeUp`; undefined when the machine is finished. */
  get deadline(): number | undefined {
    return this.finished ? undefined : this.#deadline
  }

  protected set deadline(at: number) {
    this.#deadline = at
  }

  protected refuse(reason: Door.DoorRefusal): ReadonlyArray<DoorOutput> {
    return [{ _tag: "Send", bytes: Door.encodeRefusal(reason) }, ...this.fail(reason, false)]
  }

  protected fail(reason: DoorFailure, byPeer: boolean): ReadonlyArray<DoorOutput> {
    this.finished = true
    this.buffer = NO_BYTES
    return [{ _tag: "Failed", reason, byPeer }]
  }
}

/**
 * The side that opened the connection. `start` gives the first message.
 *
 * @since 0.1.0
 * @category models
 */
export class DoorDialler extends DoorMachine {
  readonly #options: DoorOptions & { readonly topic: DoorTopic }
  readonly #m1: Uint8Array
  readonly #epoch: number
  #proving: { readonly expectedM4: Uint8Array; readonly flags: number; readonly epoch: number } | undefined

  /** Throws if the window has no keys for the minute that it speaks in: the caller adds them before. */
  constructor(options: DoorOptions & { readonly topic: DoorTopic }) {
    super(options.now)
    this.#options = options
    const { window } = options.topic
    this.#epoch = window.speaking
    const keys = window.keys(this.#epoch)
    if (keys === undefined) throw new Error(`no keys for the minute ${this.#epoch}`)
    this.#m1 = Door.encodeM1({
      flags: options.flags,
      epoch: this.#epoch,
      doorTag: keys.doorTag,
      nonce: options.topic.nonce(),
    })
  }

  start(): ReadonlyArray<DoorOutput> {
    return [{ _tag: "Send", bytes: this.#m1 }]
  }

  /** Bytes of the acceptor. */
  receive(bytes: Uint8Array): ReadonlyArray<DoorOutput> {
    if (this.finished || bytes.length === 0) return []
    this.buffer = concat(this.buffer, bytes)
    if (this.buffer[0] === 0) {
      return this.buffer.length < Door.REFUSAL_BYTES ? [] : this.fail(Door.decodeRefusal(this.buffer[1]!), true)
    }
    return this.#proving === undefined ? this.#receiveM2() : this.#receiveM4(this.#proving)
  }

  timeUp(now: number): ReadonlyArray<DoorOutput> {
    return this.deadline !== undefined && now >= this.deadline ? this.fail("time", false) : []
  }

  #receiveM2(): ReadonlyArray<DoorOutput> {
    if (this.buffer[0] !== 2) return this.fail("malformed", false)
    if (this.buffer.length < Door.M2_BYTES) return []
    // The acceptor has nothing to send before it has read m3.
    if (this.buffer.length > Door.M2_BYTES) return this.fail("malformed", false)
    const { gossipTopic, window } = this.#options.topic
    const m2 = this.buffer
    this.buffer = NO_BYTES
    const { epoch: epochA, flags } = Door.decodeM2(m2)
    const epoch = Math.max(this.#epoch, epochA)
    const keys = window.keys(epoch)
    if (keys === undefined) return this.fail("clock", false)
    const { peer, self } = this.#options
    const transcript = { m1: this.#m1, m2, dialler: self, acceptor: peer, gossipTopic }
    const m3 = Door.encodeM3(keys, transcript)
    this.#proving = { expectedM4: Door.encodeM4(keys, transcript, m3), flags, epoch }
    return [{ _tag: "Send", bytes: m3 }]
  }

  #receiveM4({ epoch, expectedM4, flags }: { expectedM4: Uint8Array; flags: number; epoch: number }) {
    if (this.buffer[0] !== 4) return this.fail("malformed", false)
    if (this.buffer.length < Door.M4_BYTES) return []
    if (!Door.equalsConstantTime(this.buffer.subarray(0, Door.M4_BYTES), expectedM4)) {
      return this.fail("proof wrong", false)
    }
    const rest = this.buffer.slice(Door.M4_BYTES)
    this.finished = true
    return [{ _tag: "Proven", topic: this.#options.topic, peerFlags: flags, epoch, rest }] as const
  }
}

/**
 * Options of {@link DoorAcceptor}.
 *
 * @since 0.1.0
 * @category options
 */
export interface DoorAcceptorOptions extends DoorOptions {
  /** The topic and the keys whose door tag this is, of all members-only topics that are open. */
  readonly findTag: (doorTag: Uint8Array) => { readonly topic: DoorTopic; readonly keys: EpochKeys } | undefined
}

type AcceptorState =
  | { readonly _tag: "Waiting" }
  | { readonly _tag: "Allowing"; readonly topic: DoorTopic; readonly m1: Uint8Array }
  | {
      readonly _tag: "Challenged"
      readonly topic: DoorTopic
      readonly keys: EpochKeys
      readonly transcript: Door.DoorTranscript
      readonly flags: number
      readonly epoch: number
    }

/**
 * The side that accepted the connection.
 *
 * @since 0.1.0
 * @category models
 */
export class DoorAcceptor extends DoorMachine {
  readonly #options: DoorAcceptorOptions
  #state: AcceptorState = { _tag: "Waiting" }
  #received = 0

  constructor(options: DoorAcceptorOptions) {
    super(options.now)
    this.#options = options
  }

  /** Bytes of the dialler. */
  receive(bytes: Uint8Array, now: number): ReadonlyArray<DoorOutput> {
    if (this.finished || bytes.length === 0) return []
    this.#received += bytes.length
    if (this.#received > MAX_DIALLER_BYTES) return this.fail("malformed", false)
    this.buffer = concat(this.buffer, bytes)
    switch (this.#state._tag) {
      case "Waiting":
        return this.#receiveM1(now)
      case "Allowing":
        // The dialler cannot know what to prove before it has m2.
        return this.fail("malformed", false)
      case "Challenged":
        return this.#receiveM3(this.#state)
    }
  }

  /** The answer to `AskAllow`. Does nothing if the machine does not wait for one. */
  answer(allowed: "admit" | "not allowed" | "busy"): ReadonlyArray<DoorOutput> {
    const state = this.#state
    if (this.finished || state._tag !== "Allowing") return []
    if (allowed !== "admit") return this.refuse(allowed)
    const { m1, topic } = state
    const { epoch: epochD, flags } = Door.decodeM1(m1)
    const epochA = topic.window.speaking
    const epoch = Math.max(epochD, epochA)
    const keys = topic.window.keys(epoch)
    if (keys === undefined) return this.refuse("clock")
    const m2 = Door.encodeM2({ flags: this.#options.flags, epoch: epochA, nonce: topic.nonce() })
    const { peer, self } = this.#options
    const transcript = { m1, m2, dialler: peer, acceptor: self, gossipTopic: topic.gossipTopic }
    this.#state = { _tag: "Challenged", topic, keys, transcript, flags, epoch }
    this.deadline = this.#options.now + DOOR_MS
    return [{ _tag: "Send", bytes: m2 }]
  }

  timeUp(now: number): ReadonlyArray<DoorOutput> {
    if (this.deadline === undefined || now < this.deadline) return []
    return this.#state._tag === "Allowing" ? this.refuse("busy") : this.fail("time", false)
  }

  #receiveM1(now: number): ReadonlyArray<DoorOutput> {
    if (this.buffer[0] !== 1) return this.fail("malformed", false)
    if (this.buffer.length >= 2 && this.buffer[1] !== Door.DOOR_VERSION) return this.refuse("version")
    if (this.buffer.length < Door.M1_BYTES) return []
    if (this.buffer.length > Door.M1_BYTES) return this.fail("malformed", false)
    const m1 = this.buffer
    this.buffer = NO_BYTES
    const { doorTag, epoch } = Door.decodeM1(m1)
    const found = this.#options.findTag(doorTag)
    if (found === undefined || found.keys.epoch !== epoch) return this.refuse("not here")
    const { topic } = found
    // The dialler would not accept our minute: it learns that its clock, or ours, is wrong.
    if (topic.window.speaking > epoch + topic.window.ahead) return this.refuse("clock")
    this.#state = { _tag: "Allowing", topic, m1 }
    this.deadline = Math.min(this.#options.now + DOOR_MS, now + ALLOW_MS)
    return [{ _tag: "AskAllow", topic }]
  }

  #receiveM3({ epoch, flags, keys, topic, transcript }: AcceptorState & { _tag: "Challenged" }) {
    if (this.buffer[0] !== 3) return this.fail("malformed", false)
    if (this.buffer.length < Door.M3_BYTES) return []
    const m3 = this.buffer
    if (!Door.equalsConstantTime(m3, Door.encodeM3(keys, transcript))) return this.refuse("proof wrong")
    this.finished = true
    return [
      { _tag: "Send", bytes: Door.encodeM4(keys, transcript, m3) },
      { _tag: "Proven", topic, peerFlags: flags, epoch, rest: NO_BYTES },
    ] as const
  }
}
