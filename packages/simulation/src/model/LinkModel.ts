/**
 * What becomes of a packet between two nodes: delay, jitter, loss, duplication, reordering and bandwidth, all at once. It is
 * the link policy of the network in memory, whose streams repeat what was lost and keep bytes in order, as QUIC does: loss
 * and reordering show as waits, not as gaps. It also decides about real packets on their way through a relay.
 */
import type { LinkState } from "@topic-tracker/gossip/testing"
import { type Delay, delayAt, regionAt } from "./Delay.ts"

/** Shares and chances are 0 to 1. */
export interface LinkSettings {
  /** One way. */
  readonly latency: Delay
  /** The most that chance adds to each packet's delay, in milliseconds. */
  readonly jitterMs: number
  /** Chance that a packet is lost. */
  readonly loss: number
  /** Chance that a packet goes out twice; then it is lost only when both are. */
  readonly duplication: number
  /** Chance that a packet is held up, and for how long, so that later ones overtake it. */
  readonly reordering: { readonly share: number; readonly delayMs: number }
  /** Bits per second that a node can send; undefined: no limit. */
  readonly bandwidth: number | undefined
  /** Share of the nodes that nobody can dial (behind a NAT without a relay); they can dial others. */
  readonly nat: number
}

export const perfectLinks: LinkSettings = {
  latency: { _tag: "Uniform", minMs: 10, maxMs: 50 },
  jitterMs: 0,
  loss: 0,
  duplication: 0,
  reordering: { share: 0, delayMs: 0 },
  bandwidth: undefined,
  nat: 0,
}

/** Three times the initial round trip of 333 ms (RFC 9002, 6.2.2). */
const firstProbeMs = 999

/**
 * Four mean deviations of the round trip, as a share of it. It is 2 for a new connection and shrinks by a quarter with each
 * sample, while acknowledgements that wait keep it up: this is what real connections come to in their first seconds.
 */
const deviations = 0.5

/** How long a peer may wait with an acknowledgement, and how often the time-out doubles at most. */
const maxAckDelayMs = 25
const maxBackoff = 16

interface Station {
  readonly index: number
  readonly region: number
  readonly behindNat: boolean
  /** When its line has sent what it was given, in ms. */
  lineFreeAt: number
}

/** `Id`: how nodes are named to it. */
export class LinkModel<Id> {
  private readonly settings: LinkSettings
  private readonly salt: number
  private readonly now: () => number
  private readonly stations = new Map<Id, Station>()

  /** `now`: milliseconds of the world. `salt`: an integer from the seed, which tells one world's links from another's. */
  constructor(settings: LinkSettings, salt: number, now: () => number) {
    this.settings = settings
    this.salt = salt
    this.now = now
  }

  /** A node is there; `index` tells it from all others. */
  add(id: Id, index: number): void {
    this.stations.set(id, {
      index,
      region: regionAt(this.settings.latency, evenly(this.salt, index, 0x7e61)),
      // Counted off instead of drawn: the share holds in small worlds too, and node 0 is public.
      behindNat: Math.floor((index + 1) * this.settings.nat) > Math.floor(index * this.settings.nat),
      lineFreeAt: 0,
    })
  }

  /** Whether the node can be dialled by others. */
  isPublic(id: Id): boolean {
    return this.stations.get(id)?.behindNat !== true
  }

  /** A packet as the network in memory has it: it arrives once, or is lost. */
  readonly policy = (from: Id, to: Id, random: () => number, bytes: number): LinkState => {
    const { duplication, loss } = this.settings
    const sender = this.stations.get(from)
    const receiver = this.stations.get(to)
    if (sender === undefined || receiver === undefined) return lost
    const copies = duplication > 0 && random() < duplication ? 2 : 1
    const lineMs = this.lineMs(sender, copies * bytes)
    if (loss > 0 && random() < loss && (copies === 1 || random() < loss)) return lost
    return { delayMs: lineMs + this.wayMs(sender, receiver, random) }
  }

  /** A packet as a real network has it: the delays of all its copies that arrive, in ms; none when it is lost. */
  readonly copies = (from: Id, to: Id, random: () => number, bytes: number): ReadonlyArray<number> => {
    const { duplication, loss } = this.settings
    const sender = this.stations.get(from)
    const receiver = this.stations.get(to)
    const delays: Array<number> = []
    if (sender === undefined || receiver === undefined) return delays
    const copies = duplication > 0 && random() < duplication ? 2 : 1
    for (let i = 0; i < copies; i++) {
      const lineMs = this.lineMs(sender, bytes)
      if (loss === 0 || random() >= loss) delays.push(lineMs + this.wayMs(sender, receiver, random))
    }
    return delays
  }

  /**
   * When QUIC sends again what was lost `lostBefore` times before, in ms: its probe time-out (RFC 9002, 6.2.1), which doubles
   * each time, and is a second for those who have not measured a round trip yet.
   */
  readonly retransmitMs = (from: Id, to: Id, lostBefore: number, dialling: boolean): number => {
    const { jitterMs } = this.settings
    const sender = this.stations.get(from)
    const receiver = this.stations.get(to)
    const probe =
      dialling || sender === undefined || receiver === undefined
        ? firstProbeMs
        : (1 + deviations) * 2 * this.baseMs(sender, receiver) + 2 * jitterMs + maxAckDelayMs
    return probe * 2 ** Math.min(lostBefore, maxBackoff)
  }

  private baseMs(sender: Station, receiver: Station): number {
    const [low, high] = sender.index < receiver.index ? [sender, receiver] : [receiver, sender]
    const { latency } = this.settings
    return delayAt(latency, evenly(this.salt, low.index, high.index), sender.region, receiver.region)
  }

  /** How long a packet is under way once it is sent. */
  private wayMs(sender: Station, receiver: Station, random: () => number): number {
    const { jitterMs, reordering } = this.settings
    let ms = this.baseMs(sender, receiver)
    if (jitterMs > 0) ms += random() * jitterMs
    if (reordering.share > 0 && random() < reordering.share) ms += reordering.delayMs
    return ms
  }

  /** How long until the line has sent this too. */
  private lineMs(station: Station, bytes: number): number {
    const { bandwidth } = this.settings
    if (bandwidth === undefined) return 0
    const now = this.now()
    station.lineFreeAt = Math.max(now, station.lineFreeAt) + (bytes * 8_000) / bandwidth
    return station.lineFreeAt - now
  }
}

const lost: LinkState = { drop: true }

/** A number from 0 to 1 that the three integers decide (the finalizer of MurmurHash3 over their mix). */
export const evenly = (salt: number, a: number, b: number): number => {
  let h = Math.imul(salt ^ Math.imul(a + 1, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(b + 1, 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32
}
