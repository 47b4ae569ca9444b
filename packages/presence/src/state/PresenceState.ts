/**
 * Presence of one node in one topic: its own entry, who comes, changes and goes, and who is suspected. Notes, whispers and the time go in; notes to
 * broadcast, whispers and changes come out. Pure: it knows no Effect, no gossip, no clock; signing and checking are given to it. Specified in
 * PROTOCOL.md, "Presence". The suspicion follows SWIM (Das, Gupta, Motivala 2002) and Lifeguard (Dadgar, Phillips, Currey 2017).
 */
import { equals, fromHex } from "@topic-tracker/common/Bytes"
import { Note } from "@topic-tracker/crypto/members"
import { Accusers } from "./Accusers.ts"
import { Leases } from "./Leases.ts"
import { Lines } from "./Lines.ts"
import * as Limits from "./limits.ts"
import { NoteChecks, type PresenceStats } from "./NoteChecks.ts"
import { authorOf, decodeSuspect, NoteKind } from "./notes.ts"
import { OwnEntry } from "./OwnEntry.ts"
import type { NoteVerdict, PresenceOutput, PresenceStateOptions } from "./options.ts"
import { type Entry, Roster } from "./Roster.ts"
import { Suspects } from "./Suspects.ts"

/**
 * The state.
 *
 * @since 0.1.0
 * @category models
 */
export class PresenceState {
  readonly #options: PresenceStateOptions
  readonly #roster: Roster
  readonly #lines: Lines
  readonly #accusers: Accusers
  /** Neighbours of gossip, with and without a line. */
  readonly #neighbors = new Set<string>()
  readonly #checks: NoteChecks
  readonly #own: OwnEntry
  readonly #suspects: Suspects
  readonly #leases: Leases
  #output: Array<PresenceOutput> = []
  /** Our entry was not sent yet; it goes out when the number of members is known, or at this time. */
  #isUnsent = true
  #announceAt = Number.POSITIVE_INFINITY
  #sweepAt: number
  #plannedAt: number | undefined
  #aloneSince: number | undefined
  #isClosed = false

  constructor(options: PresenceStateOptions, now: number) {
    this.#options = options
    this.#roster = new Roster(options.maxMembers ?? Limits.MAX_MEMBERS)
    this.#suspects = new Suspects(this.#roster)
    this.#leases = new Leases(this.#roster, options.self)
    this.#checks = new NoteChecks(options.verify)
    this.#lines = new Lines({
      self: options.self,
      roster: this.#roster,
      random: options.random,
      send: (peer, bytes) => this.#output.push({ _tag: "Whisper", peer, bytes }),
      take: (peer, note, at) => this.#takeWhispered(peer, note, at),
      dispute: (entry, at) => this.#dispute(entry, at),
    })
    this.#accusers = new Accusers(options.random)
    this.#sweepAt = now + Limits.SWEEP_MS
    this.#own = new OwnEntry(options, this.#roster, now)
    this.#output.push({ _tag: "Joined", entry: this.#roster.get(options.self)! })
  }

  get stats(): PresenceStats {
    return this.#checks.stats
  }

  /** All members, also those that are gone: look at `status`. */
  get entries(): Iterable<Entry> {
    return this.#roster.entries
  }

  /** The members that are here, with us. */
  get count(): number {
    return this.#roster.count
  }

  get(member: string): Entry | undefined {
    return this.#roster.get(member)
  }

  /** The outputs since the last call. */
  take(): ReadonlyArray<PresenceOutput> {
    const output = this.#output
    if (output.length > 0) this.#output = []
    return output
  }

  /** Our own state changed. */
  update(state: Uint8Array, now: number): void {
    this.#own.update(state, now)
  }

  /** Says goodbye. Nothing is done after it. */
  leave(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#output.push({ _tag: "Broadcast", note: this.#own.goodbye() })
  }

  neighborUp(peer: string, now: number): void {
    this.#neighbors.add(peer)
    this.#accusers.acquit(peer)
    this.#aloneSince = undefined
    this.#announceAt = Math.min(this.#announceAt, now + Limits.ANNOUNCE_WITHIN_MS)
    this.#announceIfCounted(now)
    this.#noteAlone(now)
  }

  /** `isLost`: its connection broke, and it did not say why. */
  neighborDown(peer: string, isLost: boolean, now: number): void {
    this.#neighbors.delete(peer)
    if (isLost && this.#neighbors.size > 0) this.#suspect(peer, now)
    this.#noteAlone(now)
  }

  lineUp(peer: string, now: number): void {
    this.#lines.up(peer, now)
    this.#noteAlone(now)
  }

  lineDown(peer: string, now: number): void {
    this.#lines.down(peer)
    this.#noteAlone(now)
  }

  /** Bytes that a neighbour sent to us alone. */
  whisper(peer: string, bytes: Uint8Array, now: number): void {
    if (this.#isClosed) return
    this.#lines.receive(peer, bytes, now)
    this.#aloneSince = undefined
    this.#accusers.acquit(peer)
    this.#announceIfCounted(now)
  }

  /** A note that gossip brought, before it is forwarded. */
  receive(from: string, note: Uint8Array, now: number): NoteVerdict {
    if (this.#isClosed) return "accept"
    switch (Note.kind(note)) {
      case NoteKind.here:
      case NoteKind.left:
        return this.#receiveEntry(from, note, now)
      case NoteKind.suspect:
        return this.#receiveSuspect(from, note, now)
      default:
        return "ignore"
    }
  }

  /** When {@link tick} has something to do. */
  get deadline(): number {
    if (this.#isClosed) return Number.POSITIVE_INFINITY
    let at = Math.min(this.#lines.deadline, this.#sweepAt, this.#own.deadline)
    at = Math.min(at, this.#accusers.deadline, this.#suspects.deadline)
    if (this.#isUnsent && this.#neighbors.size > 0) at = Math.min(at, this.#announceAt)
    if (this.#aloneSince !== undefined) at = Math.min(at, this.#aloneSince + Limits.ALONE_MS)
    this.#plannedAt = at
    return at
  }

  tick(now: number): void {
    if (this.#isClosed) return
    const late = this.#plannedAt === undefined ? 0 : now - this.#plannedAt
    if (late > Limits.STALL_MS) {
      this.#lines.excuse(late)
      this.#suspects.excuse(late)
    }
    for (const peer of this.#lines.takeSilent(now)) this.#suspect(peer, now)
    this.#noteAlone(now)
    this.#accuse(now)
    for (const entry of this.#suspects.takeLost(now)) this.#output.push({ _tag: "Lost", entry })
    if (this.#aloneSince !== undefined && now >= this.#aloneSince + Limits.ALONE_MS) this.#loseAll(now)
    if (this.#own.isDue(now)) {
      this.#refresh(now)
      this.#output.push({ _tag: "Updated", entry: this.#roster.get(this.#options.self)! })
    }
    if (this.#own.isExpiring(now) || (this.#isUnsent && now >= this.#announceAt)) this.#refresh(now)
    if (now >= this.#sweepAt) this.#sweep(now)
    this.#lines.tick(now)
  }

  #refresh(now: number): void {
    this.#own.sign(now, this.#lines.toldCount)
    // The next neighbour sets the time anew: a node that is alone signs no entry that nobody gets.
    this.#announceAt = Number.POSITIVE_INFINITY
    this.#isUnsent = this.#neighbors.size === 0
    if (this.#isUnsent) return
    this.#output.push({ _tag: "Broadcast", note: this.#own.note })
  }

  /** The first broadcast of our entry, when a neighbour told how many members there are. */
  #announceIfCounted(now: number): void {
    if (this.#isUnsent && this.#neighbors.size > 0 && this.#lines.toldCount > 0) this.#refresh(now)
  }

  // Entries of others

  #receiveEntry(from: string, note: Uint8Array, now: number): NoteVerdict {
    const member = authorOf(note)
    const known = this.#roster.get(member)
    // Verified before, as when it came in an exchange.
    if (known !== undefined && equals(known.note, note)) return known.status === "lost" ? "ignore" : "accept"
    const taken = this.#takeEntry(from, member, note, now)
    if (taken === "wrong") return "reject"
    return taken === "taken" && this.#checks.mayForward(member, now) ? "accept" : "ignore"
  }

  #takeEntry(from: string, member: string, note: Uint8Array, now: number): "taken" | "not taken" | "wrong" {
    const read = this.#checks.read(note, this.#options.wall())
    if (read === "malformed") return "wrong"
    if (read === "untimely" || !this.#roster.isNewer(member, note)) return "not taken"
    if (!this.#options.admits(member)) return "not taken"
    const before = this.#roster.get(member)
    if (before === undefined && !this.#roster.makeRoom(read !== "goodbye")) {
      this.stats.limited++
      return "not taken"
    }
    const checked = this.#checks.check(from, note, now)
    if (checked !== "valid") return checked === "invalid" ? "wrong" : "not taken"
    if (member === this.#options.self) {
      const corrected = this.#own.correct(note, now)
      if (corrected === "in use") this.#output.push({ _tag: "KeyInUse" })
      if (corrected !== "given up") this.#refresh(now)
      return "taken"
    }
    const was = before?.status
    const oldState = before?.here.state
    const wasSuspected = before?.accusations !== undefined
    this.#suspects.clear(member)
    this.#accusers.acquit(member)
    const entry = this.#roster.set(member, note, now)
    this.#leases.note(entry)
    if (read === "goodbye") {
      if (was === "here") this.#output.push({ _tag: "Left", entry })
    } else if (was !== "here") this.#output.push({ _tag: "Joined", entry })
    else if (wasSuspected || !equals(oldState!, read.state)) this.#output.push({ _tag: "Updated", entry })
    return "taken"
  }

  #takeWhispered(peer: string, note: Uint8Array, now: number): boolean | undefined {
    const member = authorOf(note)
    if (Note.kind(note) === NoteKind.suspect) {
      // An accusation travels by gossip, so that its member hears it.
      const verdict = this.#receiveSuspect(peer, note, now)
      if (verdict === "accept") this.#output.push({ _tag: "Broadcast", note })
      return verdict === "reject" ? undefined : false
    }
    const known = this.#roster.get(member)
    if (known?.status === "lost" && equals(known.note, note)) return this.#dispute(known, now) === true
    const taken = this.#takeEntry(peer, member, note, now)
    if (taken !== "taken") return taken === "wrong" ? undefined : false
    this.stats.learnt++
    return true
  }

  // Suspicion

  #suspect(peer: string, now: number): void {
    const entry = this.#roster.get(peer)
    if (entry?.status === "here") this.#accusers.plan(entry, now)
  }

  /** Accuses those whose time has come, unless we hear nobody: then we are to blame. */
  #accuse(now: number): void {
    const due = this.#accusers.takeDue(now).filter(({ member, stamp }) => {
      const entry = this.#roster.get(member)
      if (entry?.status !== "here" || entry.stamp !== stamp || this.#lines.isHeard(member)) return false
      return (entry.accusations?.size ?? 0) < Limits.MAX_ACCUSATIONS
    })
    if (due.length === 0 || this.#aloneSince !== undefined) return
    const note = this.#own.accuse(due.map(({ member, stamp }) => ({ id: fromHex(member), stamp })))
    this.#output.push({ _tag: "Broadcast", note })
    for (const { member } of due) this.#suspectEntry(this.#roster.get(member)!, this.#options.self, note, now)
  }

  #receiveSuspect(from: string, note: Uint8Array, now: number): NoteVerdict {
    const accuser = authorOf(note)
    const accused = decodeSuspect(Note.body(note))
    if (accused === undefined) return this.#checks.refuse("reject")
    if (accuser === this.#options.self) return "ignore"
    if (this.#roster.get(accuser)?.status !== "here") return "ignore"
    const own = this.#roster.get(this.#options.self)!
    const isNews = accused.some(({ member, stamp }) => {
      if (member === own.member) return stamp >= own.stamp
      const entry = this.#roster.get(member)
      const { accusations, stamp: known } = entry ?? {}
      return known === stamp && !accusations?.has(accuser) && (accusations?.size ?? 0) < Limits.MAX_ACCUSATIONS
    })
    if (!isNews) return "ignore"
    if (!this.#accusers.mayAccuse(accuser, accused.length, now)) {
      this.stats.limited++
      return "ignore"
    }
    const checked = this.#checks.check(from, note, now)
    if (checked !== "valid") return checked === "invalid" ? "reject" : "ignore"
    for (const { member, stamp } of accused) {
      const entry = this.#roster.get(member)
      if (member === own.member) {
        if (stamp < own.stamp) continue
        this.stats.refuted++
        this.#refresh(now)
      } else if (entry?.stamp === stamp) this.#suspectEntry(entry, accuser, note, now)
    }
    return "accept"
  }

  #suspectEntry(entry: Entry, accuser: string, note: Uint8Array, now: number): void {
    if (this.#suspects.accuse(entry, accuser, note, now)) this.#output.push({ _tag: "Suspected", entry })
  }

  /** We hear nobody: what we know of the others is worth nothing, and comes back as it was. */
  #loseAll(now: number): void {
    this.#aloneSince = undefined
    for (const entry of this.#roster.entries) {
      if (entry.member === this.#options.self || entry.status !== "here") continue
      this.#suspects.clear(entry.member)
      this.#roster.lose(entry, true, now, now - Limits.PARTED_GUARD_MS)
      this.#output.push({ _tag: "Lost", entry })
    }
  }

  #dispute(entry: Entry, now: number): true | ReadonlyArray<Uint8Array> {
    if (entry.status === "left") return [entry.note]
    if (entry.isParted && now - entry.lostAt >= Limits.PARTED_GUARD_MS) {
      this.#roster.revive(entry, now)
      this.#output.push({ _tag: "Joined", entry })
      return true
    }
    return [...(entry.accusations?.values() ?? [])]
  }

  /** Since when no neighbour is heard. A neighbour without a line counts as heard. */
  #noteAlone(now: number): void {
    const heardAt = this.#lines.heardAt
    const isHeard =
      this.#lines.size < this.#neighbors.size || (this.#lines.size > 0 && now < (heardAt ?? now) + Limits.SILENT_MS)
    if (isHeard || this.#roster.count === 1) this.#aloneSince = undefined
    else this.#aloneSince ??= this.#lines.size > 0 ? (heardAt ?? now) : now
  }

  /** Members whose entry is no longer valid are lost: they crashed while nobody was their neighbour. */
  #sweep(now: number): void {
    this.#sweepAt = now + Limits.SWEEP_MS
    for (const entry of this.#leases.takeExpired(this.#options.wall())) {
      this.#suspects.clear(entry.member)
      this.#roster.lose(entry, false, now)
      this.#output.push({ _tag: "Lost", entry })
    }
  }
}
