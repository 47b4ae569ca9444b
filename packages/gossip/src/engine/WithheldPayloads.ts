/**
 * The payloads that a slow neighbour did not get: their ids wait here until its queue has drained. They then go out as announcements,
 * a part at a time, and the neighbour grafts those that no other peer brought. It knows no queue and no stream.
 */
import { BoundedMap } from "@topic-tracker/common"
import type { Gossip, IHave, IHaveEntry } from "../protocol/Message.ts"
import type { MessageId } from "../protocol/MessageId.ts"

/** The number of ids that wait for one neighbour in one topic; older ones are dropped. Some 150 bytes of memory each. */
const MAX_IDS = 8_192

/** The bytes that a payload of unknown size counts. */
const UNKNOWN_BYTES = 512

/** The bytes that each payload counts in addition to its content. */
const OVERHEAD_BYTES = 64

interface Entry {
  readonly round: number
  readonly bytes: number
  readonly at: number
}

export class WithheldPayloads {
  private readonly entries = new BoundedMap<MessageId, Entry>(MAX_IDS)
  private readonly retentionMs: number

  /** `retentionMs`: the time for which the protocol keeps payloads for peers that graft. */
  constructor(retentionMs: number) {
    this.retentionMs = retentionMs
  }

  get isEmpty(): boolean {
    return this.entries.size === 0
  }

  /** Notes the payload, or the payloads that an announcement names. */
  add(message: Gossip | IHave, now: number): void {
    if (message._tag === "IHave") {
      for (const { id, round } of message.messages) this.entries.set(id, { round, bytes: UNKNOWN_BYTES, at: now })
    } else if (message.scope._tag === "Swarm") {
      const bytes = message.content.length + OVERHEAD_BYTES
      this.entries.set(message.id, { round: message.scope.round, bytes, at: now })
    }
  }

  /** Removes and returns the oldest ids whose payloads have together about `maxBytes`. Ids whose payload is no longer kept are left out. */
  take(maxBytes: number, now: number): ReadonlyArray<IHaveEntry> {
    const taken: Array<IHaveEntry> = []
    let bytes = 0
    for (const [id, entry] of this.entries) {
      if (bytes >= maxBytes) break
      this.entries.delete(id)
      if (now - entry.at >= this.retentionMs) continue
      bytes += entry.bytes
      taken.push({ id, round: entry.round })
    }
    return taken
  }

  clear(): void {
    this.entries.clear()
  }
}
