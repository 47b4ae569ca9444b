/**
 * The control: presence by plain heartbeats. Each member broadcasts its whole entry every 5 s, and a member whose last three did not come is gone. It has
 * the methods of `PresenceState` that the network calls.
 */
import { toHex } from "@topic-tracker/common/Bytes"
import { Note } from "@topic-tracker/crypto/members"
import type { PresenceOutput } from "@topic-tracker/presence/stateMachine"

const INTERVAL_MS = 5_000
const GONE_MS = 3 * INTERVAL_MS + 1_000

export interface HeartbeatsOptions {
  readonly self: string
  readonly random: () => number
  readonly wall: () => number
  readonly sign: (kind: number, stamp: number, body: Uint8Array) => Uint8Array
  readonly state: Uint8Array
}

export class Heartbeats {
  readonly #options: HeartbeatsOptions
  readonly #heardAt = new Map<string, number>()
  #output: Array<PresenceOutput> = []
  #beatAt: number
  #sweepAt: number
  #isClosed = false

  constructor(options: HeartbeatsOptions, now: number) {
    this.#options = options
    this.#beatAt = now
    this.#sweepAt = now + 1_000
    this.#heardAt.set(options.self, Number.POSITIVE_INFINITY)
  }

  get count(): number {
    return this.#heardAt.size
  }

  isHere(member: string): boolean {
    return this.#heardAt.has(member)
  }

  get deadline(): number {
    return this.#isClosed ? Number.POSITIVE_INFINITY : Math.min(this.#beatAt, this.#sweepAt)
  }

  take(): ReadonlyArray<PresenceOutput> {
    const output = this.#output
    this.#output = []
    return output
  }

  receive(_from: string, note: Uint8Array, now: number): "accept" {
    const member = toHex(Note.author(note))
    if (member === this.#options.self) return "accept"
    if (Note.kind(note) === 2) this.#heardAt.delete(member)
    else this.#heardAt.set(member, now)
    return "accept"
  }

  tick(now: number): void {
    if (now >= this.#beatAt) {
      this.#beatAt = now + INTERVAL_MS * (0.9 + 0.2 * this.#options.random())
      const note = this.#options.sign(1, Math.floor(this.#options.wall()), this.#options.state)
      this.#output.push({ _tag: "Broadcast", note })
    }
    if (now < this.#sweepAt) return
    this.#sweepAt = now + 1_000
    for (const [member, heardAt] of this.#heardAt) if (now - heardAt > GONE_MS) this.#heardAt.delete(member)
  }

  leave(): void {
    this.#isClosed = true
    this.#output.push({
      _tag: "Broadcast",
      note: this.#options.sign(2, Math.floor(this.#options.wall()), new Uint8Array(0)),
    })
  }

  neighborUp(): void {}
  neighborDown(): void {}
  lineUp(): void {}
  lineDown(): void {}
  whisper(): void {}
}
