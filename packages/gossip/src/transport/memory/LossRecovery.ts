/**
 * The loss recovery of one direction of a QUIC connection, for the network in memory: which packets are sent again, and when. An acknowledgement of a
 * later packet shows what is lost; only a direction from which no acknowledgement comes waits for probe time-outs, which double. It leaves out
 * congestion control and packets that are sent again although they arrived. Source: RFC 9002, sections 5 and 6, as noq 1.0 (iroh's QUIC) has it;
 * `npm run -s sim:loss` compares it with iroh's binding.
 */
import type { Timer, Timers } from "@topic-tracker/common"

/**
 * The times of QUIC on a link, in ms.
 *
 * @since 0.1.0
 * @category models
 */
export interface RecoveryTimes {
  /** The round trip, as the sender estimates it. */
  readonly roundTripMs: number
  /** The probe time-out before any backoff (RFC 9002, 6.2.1). */
  readonly probeMs: number
}

/** A packet is lost when a later one was acknowledged and it is older than this share of the round trip (RFC 9002, 6.1.2). */
const TIME_THRESHOLD = 9 / 8
/** Packets at a time-out (RFC 9002, 6.2.4). */
const PROBES = 2
/** The time-out grows by at most this each time, and doubles at most so often (noq: MAX_PTO_INTERVAL, MAX_BACKOFF_EXPONENT). */
const MAX_INTERVAL_MS = 2_000
const MAX_BACKOFF = 16
/** Lost bytes go together into packets of this size. */
const PACKET_BYTES = 1_200
/** A packet that only acknowledges, or only asks for an acknowledgement. */
const SMALL_BYTES = 40

/** What a direction needs of its network. */
export interface RecoveryLink {
  readonly timers: Timers
  times(): RecoveryTimes
  /** The delay in ms of a packet that is sent now; undefined if it is lost. */
  forth(bytes: number): number | undefined
  back(bytes: number): number | undefined
  /** When the connection is given up if this has not arrived, which was first sent at that time. */
  givesUpAt(since: number): number
  /** Something has not arrived in time. */
  gaveUp(): void
}

/** Something that is sent until it arrives. */
export interface Frame {
  readonly bytes: number
  /** When it was first sent. */
  readonly since: number
  /** Runs once. */
  arrived(): void
}

interface Packet {
  readonly number: number
  readonly sentAt: number
  readonly frames: ReadonlyArray<Frame>
  readonly bytes: number
}

export class LossRecovery {
  readonly #link: RecoveryLink
  /** Packets that did not arrive, in the order in which they were sent. The sender does not know yet. */
  #missing: Array<Packet> = []
  #sent = 0
  #lastSentAt = 0
  #timeouts = 0
  #timer: Timer | undefined
  #isOver = false

  constructor(link: RecoveryLink) {
    this.#link = link
  }

  /** Sends something in a packet of its own. */
  send(frame: Frame): void {
    this.#send([frame], frame.bytes)
  }

  /** Nothing is sent again. */
  close(): void {
    this.#isOver = true
    this.#missing = []
    if (this.#timer !== undefined) this.#link.timers.cancel(this.#timer)
    this.#timer = undefined
  }

  #send(frames: ReadonlyArray<Frame>, bytes: number): void {
    if (this.#isOver) return
    const { timers } = this.#link
    const number = this.#sent++
    const now = timers.now()
    this.#lastSentAt = now
    const delay = this.#link.forth(bytes)
    if (delay !== undefined) {
      const arrive = (): void => {
        for (const frame of frames) frame.arrived()
        this.#arrived(number)
      }
      if (delay > 0) timers.schedule(delay, arrive)
      else timers.runSoon(arrive)
    } else if (frames.length > 0) this.#missing.push({ number, sentAt: now, frames, bytes })
    this.#watch()
  }

  /** A packet is at the receiver. If that has a gap, it acknowledges at once (RFC 9000, 13.2.1). */
  #arrived(number: number): void {
    const first = this.#missing[0]
    if (first !== undefined && first.number < number) this.#acknowledge(number)
  }

  #acknowledge(number: number): void {
    const delay = this.#link.back(SMALL_BYTES)
    if (delay !== undefined) this.#link.timers.schedule(delay, () => this.#acknowledged(number))
  }

  /** The sender learns that a packet arrived: what it sent before and is old enough is lost. */
  #acknowledged(number: number): void {
    if (this.#isOver) return
    this.#timeouts = 0
    const { timers } = this.#link
    const now = timers.now()
    const waitMs = TIME_THRESHOLD * this.#link.times().roundTripMs
    const missing = this.#missing
    let lost = 0
    while (lost < missing.length && missing[lost]!.number < number && now - missing[lost]!.sentAt >= waitMs) lost++
    const next = missing[lost]
    if (next !== undefined && next.number < number) {
      timers.schedule(next.sentAt + waitMs - now, () => this.#acknowledged(number))
    }
    if (lost > 0) this.#sendAgain(missing.splice(0, lost))
    else this.#watch()
  }

  #sendAgain(packets: ReadonlyArray<Packet>): void {
    let frames: Array<Frame> = []
    let bytes = 0
    for (const packet of packets) {
      if (bytes > 0 && bytes + packet.bytes > PACKET_BYTES) {
        this.#send(frames, bytes)
        frames = []
        bytes = 0
      }
      frames.push(...packet.frames)
      bytes += packet.bytes
    }
    this.#send(frames, bytes)
  }

  /** Sets the timer of the probes, which starts anew with each packet. */
  #watch(): void {
    const { timers } = this.#link
    if (this.#timer !== undefined) timers.cancel(this.#timer)
    this.#timer = undefined
    const first = this.#missing[0]
    if (first === undefined) return
    const at = Math.min(this.#lastSentAt + this.#timeoutMs(), this.#link.givesUpAt(first.frames[0]!.since))
    this.#timer = timers.schedule(Math.max(0, at - timers.now()), () => this.#timedOut())
  }

  #timeoutMs(): number {
    const { probeMs } = this.#link.times()
    let ms = probeMs
    for (let i = 1; i <= this.#timeouts; i++) {
      ms = Math.min(probeMs * 2 ** Math.min(i, MAX_BACKOFF), ms + MAX_INTERVAL_MS)
    }
    return ms
  }

  #timedOut(): void {
    this.#timer = undefined
    const first = this.#missing[0]
    if (first === undefined || this.#isOver) return
    if (this.#link.timers.now() >= this.#link.givesUpAt(first.frames[0]!.since)) {
      this.close()
      this.#link.gaveUp()
      return
    }
    this.#timeouts++
    const probes = this.#missing.splice(0, PROBES)
    for (const { bytes, frames } of probes) this.#send(frames, bytes)
    for (let i = probes.length; i < PROBES; i++) this.#send([], SMALL_BYTES)
  }
}
