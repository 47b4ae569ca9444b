/**
 * The broadcast's account of one neighbour: the payloads that it announced and did not send, and those that it asked for. It bounds
 * what a neighbour causes by announcements and Grafts alone (DEVIATIONS.md, "announcements", "answers to Grafts").
 */
import { BoundedMap } from "@topic-tracker/common/BoundedMap"
import { TokenBucket } from "@topic-tracker/common/TokenBucket"
import type { MessageId } from "./MessageId.ts"

/** Payloads that one neighbour may have announced and not sent: 18 full IHave messages of the default size. */
export const MAX_MISSING_OF_NEIGHBOR = 2_048

/** Grafts in a row without a payload after which a neighbour is asked no more, if the last of its payloads is this long ago. */
const MAX_UNANSWERED = 8
const ANSWER_MS = 2_000
/** The time for which it is not asked, in ms. */
const NO_GRAFTS_MS = 60_000

/** Time in which a payload is sent to one neighbour once, in ms, and the number of payloads for which that is remembered. */
const ANSWERED_MS = 10_000
const MAX_ANSWERED = 512
/** Bytes of payloads that one neighbour may ask for at once, and each second. */
const ANSWER_BURST_BYTES = 1_048_576
const ANSWER_BYTES_PER_SECOND = 1_048_576

export class NeighborRecord {
  /** Whether it has sent us a payload which we did not have. */
  hasDelivered = false
  /** Announcements of it that wait for their payload. */
  missing = 0
  /** Grafts since its last payload, and the time of its last payload or of the first of these Grafts. */
  private unanswered = 0
  private silentSince = 0
  private noGraftsUntil = Number.NEGATIVE_INFINITY
  private answered: BoundedMap<MessageId, number> | undefined
  private answers: TokenBucket | undefined

  /** Whether its announcements count: it sends the payloads that it announces. */
  isBelieved(now: number): boolean {
    return now >= this.noGraftsUntil
  }

  /** Whether it is asked for a payload that it announced. If so, the Graft is counted. */
  takeGraft(now: number): boolean {
    if (!this.isBelieved(now)) return false
    const isSilent = this.unanswered >= MAX_UNANSWERED && now - this.silentSince >= ANSWER_MS
    if (isSilent || this.unanswered >= MAX_MISSING_OF_NEIGHBOR) {
      this.unanswered = 0
      this.noGraftsUntil = now + NO_GRAFTS_MS
      return false
    }
    if (this.unanswered++ === 0) this.silentSince = now
    return true
  }

  /** It has sent a payload. `isNew`: one that we did not have. */
  payloadReceived(isNew: boolean, now: number): void {
    this.silentSince = now
    if (isNew) {
      this.hasDelivered = true
      this.unanswered = 0
    } else if (this.unanswered > 0) {
      // Another neighbour may have answered first.
      this.unanswered--
    }
  }

  /** Whether a Graft of it for this payload is answered. If so, the answer is counted. */
  takeAnswer(id: MessageId, size: number, now: number): boolean {
    this.answered ??= new BoundedMap(MAX_ANSWERED)
    this.answers ??= new TokenBucket(ANSWER_BURST_BYTES, ANSWER_BYTES_PER_SECOND)
    const before = this.answered.get(id)
    if (before !== undefined && now - before < ANSWERED_MS) return false
    if (!this.answers.take(now, size)) return false
    this.answered.set(id, now)
    return true
  }
}
