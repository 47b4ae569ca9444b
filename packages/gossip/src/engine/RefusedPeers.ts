/**
 * The peers that are refused for a while because of their behaviour: they are not dialled, and their connections are closed at once.
 * A key costs nothing, so this only keeps a misbehaving program from continuing under the same key. It knows no connection.
 */
import { BoundedMap } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"

/** The first time is short: a computer that was suspended for a while looks like a peer that does not read. */
const FIRST_MS = 60_000
const AGAIN_MS = 600_000

/** A peer that behaved for this long starts anew. */
const FORGET_MS = 3_600_000

/** A peer whose streams are malformed more often than this within {@link MALFORMED_MS} is refused. */
const MAX_MALFORMED = 3
const MALFORMED_MS = 600_000

/** Some 300 bytes of memory each. */
const MAX_PEERS = 4_096

export class RefusedPeers {
  private readonly peers = new BoundedMap<EndpointId.EndpointId, { readonly since: number; readonly until: number }>(
    MAX_PEERS,
  )

  private readonly malformed = new BoundedMap<EndpointId.EndpointId, { count: number; readonly since: number }>(
    MAX_PEERS,
  )

  /** Counts a malformed stream. Returns whether it is one too many. */
  isMalformedTooOften(peer: EndpointId.EndpointId, now: number): boolean {
    const before = this.malformed.get(peer)
    if (before === undefined || now - before.since >= MALFORMED_MS) {
      this.malformed.set(peer, { count: 1, since: now })
      return false
    }
    return ++before.count > MAX_MALFORMED
  }

  /** Refuses the peer from now on: for a minute, and for 10 minutes if it was refused within the last hour. */
  refuse(peer: EndpointId.EndpointId, now: number): void {
    const before = this.peers.get(peer)
    const isRepeated = before !== undefined && now - before.since < FORGET_MS
    this.peers.set(peer, { since: now, until: now + (isRepeated ? AGAIN_MS : FIRST_MS) })
  }

  isRefused(peer: EndpointId.EndpointId, now: number): boolean {
    if (this.peers.size === 0) return false
    const entry = this.peers.get(peer)
    return entry !== undefined && now < entry.until
  }
}
