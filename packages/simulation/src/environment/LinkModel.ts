/**
 * Decides about each packet between two nodes: delay, jitter, loss, duplication, reordering and bandwidth, all together. It is
 * the link policy of the network in memory, whose streams repeat lost bytes and keep their order as QUIC does: there, loss and
 * reordering cost time, not data. The relay of `sockets/` asks it about real packets too. It knows no clock and no seed of its own.
 */
import type { LinkState, RecoveryTimes } from "@topic-tracker/gossip/testing"
import { delayAt, regionAt } from "../scenario/Delay.ts"
import type { LinkSettings } from "../scenario/LinkSettings.ts"

/** Three times the initial round trip of 333 ms (RFC 9002, 6.2.2). */
const FIRST_PROBE_MS = 999

/**
 * Four mean deviations of the round trip, as a share of it. RFC 9002 starts with 2 and reduces it by a quarter with each sample,
 * while delayed acknowledgements keep it up. 0.5 is what real connections reach in their first seconds.
 */
const DEVIATIONS = 0.5

/** The longest delay of an acknowledgement by a peer, and the largest factor by which repeated losses multiply the time-out. */
const MAX_ACK_DELAY_MS = 25
const MAX_BACKOFF = 16

/** Salts for `evenly`, so that regions, relays and punched holes do not depend on the draws for links. */
const REGION_SALT = 0x7e61
const RELAY_SALT = 0x3e1a
const PUNCH_SALT = 0x50c4

/** A direct way between two nodes that exchanged nothing for this time is gone: the mappings of their NATs have ended. */
const MAPPING_MS = 60_000

interface Station {
  readonly index: number
  readonly region: number
  readonly behindNat: boolean
  readonly hasRelay: boolean
  /** The time at which its line has sent everything that waits, in ms. */
  lineFreeAt: number
}

/** `Id`: the names of nodes. */
export class LinkModel<Id> {
  readonly #settings: LinkSettings
  readonly #salt: number
  readonly #now: () => number
  readonly #stations = new Map<Id, Station>()
  /** The ways of pairs of which one is behind a NAT, where there are relays: when it began, and when the last packet went. */
  readonly #ways = new Map<number, { readonly since: number; lastAt: number; isDirect: boolean }>()

  /** `now`: milliseconds of the simulated time. `salt`: an integer from the seed, so that each seed has other links. */
  constructor(settings: LinkSettings, salt: number, now: () => number) {
    this.#settings = settings
    this.#salt = salt
    this.#now = now
  }

  /** Adds a node. `index` is its number, different for each node. */
  addNode(id: Id, index: number): void {
    const { relay } = this.#settings
    this.#stations.set(id, {
      index,
      region: regionAt(this.#settings.latency, evenly(this.#salt, index, REGION_SALT)),
      // Counted, not drawn: the share is exact in small swarms too, and node 0 is never behind a NAT.
      behindNat: Math.floor((index + 1) * this.#settings.nat) > Math.floor(index * this.#settings.nat),
      hasRelay: relay !== undefined && evenly(this.#salt, index, RELAY_SALT) < relay.share,
      lineFreeAt: 0,
    })
  }

  /** Whether other nodes can dial the node: directly, or over its relay. */
  canBeDialled(id: Id): boolean {
    const station = this.#stations.get(id)
    return station?.behindNat !== true || station.hasRelay
  }

  /** A packet of the network in memory: it arrives once or is lost. */
  readonly policy = (from: Id, to: Id, random: () => number, bytes: number): LinkState => {
    const { duplication, loss } = this.#settings
    const sender = this.#stations.get(from)
    const receiver = this.#stations.get(to)
    if (sender === undefined || receiver === undefined) return LOST
    const copies = duplication > 0 && random() < duplication ? 2 : 1
    const lineMs = this.#lineMs(sender, copies * bytes)
    if (loss > 0 && random() < loss && (copies === 1 || random() < loss)) return LOST
    return { delayMs: lineMs + this.#wayMs(sender, receiver, random) }
  }

  /** A real packet: the delays (ms) of its copies that arrive; none if it is lost. */
  readonly copies = (from: Id, to: Id, random: () => number, bytes: number): ReadonlyArray<number> => {
    const { duplication, loss } = this.#settings
    const sender = this.#stations.get(from)
    const receiver = this.#stations.get(to)
    const delays: Array<number> = []
    if (sender === undefined || receiver === undefined) return delays
    const copies = duplication > 0 && random() < duplication ? 2 : 1
    for (let i = 0; i < copies; i++) {
      const lineMs = this.#lineMs(sender, bytes)
      if (loss === 0 || random() >= loss) delays.push(lineMs + this.#wayMs(sender, receiver, random))
    }
    return delays
  }

  /** The time in ms after which a dial's lost packet is sent again: QUIC's probe time-out without a round trip, which doubles each time. */
  readonly dialAgainMs = (_from: Id, _to: Id, lostBefore: number): number =>
    FIRST_PROBE_MS * 2 ** Math.min(lostBefore, MAX_BACKOFF)

  /** The round trip and the probe time-out (RFC 9002, 6.2.1) of a connection between two nodes. */
  readonly recovery = (from: Id, to: Id): RecoveryTimes => {
    const { jitterMs } = this.#settings
    const sender = this.#stations.get(from)
    const receiver = this.#stations.get(to)
    if (sender === undefined || receiver === undefined)
      return { roundTripMs: FIRST_PROBE_MS / 3, probeMs: FIRST_PROBE_MS }
    const roundTripMs = 2 * this.#baseMs(sender, receiver) + jitterMs
    return { roundTripMs, probeMs: (1 + DEVIATIONS) * roundTripMs + jitterMs / 2 + MAX_ACK_DELAY_MS }
  }

  /**
   * Whether a packet takes the relay's way. A dial of a node behind a NAT begins on it, and becomes direct after a while; between two such
   * nodes only if the pair's NATs let it. A way that was not used for a while starts anew.
   */
  #takesRelay(sender: Station, receiver: Station): boolean {
    const { relay } = this.#settings
    if (relay === undefined || !(sender.behindNat || receiver.behindNat)) return false
    const [low, high] = sender.index < receiver.index ? [sender, receiver] : [receiver, sender]
    const now = this.#now()
    const pair = low.index * 2 ** 24 + high.index
    const known = this.#ways.get(pair)
    const isNew = known === undefined || now - known.lastAt >= MAPPING_MS
    const way = isNew ? { since: now, lastAt: now, isDirect: !receiver.behindNat } : known
    if (isNew) this.#ways.set(pair, way)
    way.lastAt = now
    if (way.isDirect) return false
    const canPunch =
      !(sender.behindNat && receiver.behindNat) ||
      evenly(this.#salt ^ PUNCH_SALT, low.index, high.index) < relay.punched
    way.isDirect = canPunch && now - way.since >= relay.afterMs
    return !way.isDirect
  }

  /** The delay of one way: the relay's, or the link's own, which is the same in both directions for the whole run. */
  #baseMs(sender: Station, receiver: Station): number {
    if (this.#takesRelay(sender, receiver)) return (this.#settings.relay?.rttMs ?? 0) / 2
    const [low, high] = sender.index < receiver.index ? [sender, receiver] : [receiver, sender]
    const { latency } = this.#settings
    return delayAt(latency, evenly(this.#salt, low.index, high.index), sender.region, receiver.region)
  }

  /** The time from a packet's sending to its arrival. */
  #wayMs(sender: Station, receiver: Station, random: () => number): number {
    const { jitterMs, reordering } = this.#settings
    let ms = this.#baseMs(sender, receiver)
    if (jitterMs > 0) ms += random() * jitterMs
    if (reordering.share > 0 && random() < reordering.share) ms += reordering.delayMs
    return ms
  }

  /** The time until the sender's line has sent these bytes too. */
  #lineMs(station: Station, bytes: number): number {
    const { bandwidth } = this.#settings
    if (bandwidth === undefined) return 0
    const now = this.#now()
    station.lineFreeAt = Math.max(now, station.lineFreeAt) + (bytes * 8_000) / bandwidth
    return station.lineFreeAt - now
  }
}

const LOST: LinkState = { drop: true }

/** A number from 0 to 1 that depends on the three integers only (the finalizer of MurmurHash3 over their mix). */
export const evenly = (salt: number, a: number, b: number): number => {
  let h = Math.imul(salt ^ Math.imul(a + 1, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(b + 1, 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32
}
