/**
 * A network in memory: many endpoints in one process, joined by links whose delay, loss and reachability a test or a
 * simulation decides. Streams behave like QUIC's: bytes arrive whole and in order, a lost one is sent again, and a
 * connection across which nothing gets is given up after the idle time. Nothing here has a fiber of its own; one heap of
 * timers drives all endpoints, so that a thousand of them are cheap and TestClock and a seeded Random repeat a run exactly.
 */

import { Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Effect, Random, type Scope } from "effect"
import { type EndpointAddress, isEmptyAddress } from "../../AddressLookup.ts"
import type { TransportHandler } from "../Transport.ts"
import { MemoryConnection } from "./MemoryConnection.ts"

/** What becomes of one transmission. */
export interface LinkState {
  /** One way, in milliseconds. Default 0. */
  readonly delayMs?: number
  /** Lost on the way; it is tried again after `retransmitMs`. Default false. */
  readonly drop?: boolean
}

/**
 * Decides about each transmission of so many `bytes`. `random` gives numbers in [0, 1) from the Random the network was made
 * with.
 */
export type LinkPolicy = (
  from: EndpointId.EndpointId,
  to: EndpointId.EndpointId,
  random: () => number,
  bytes: number,
) => LinkState

/** After how many milliseconds a lost transmission is tried again, having been lost so often before. */
export type RetransmitPolicy = (
  from: EndpointId.EndpointId,
  to: EndpointId.EndpointId,
  lostBefore: number,
  dialling: boolean,
) => number

/** How the links of a network in memory behave. */
export interface MemoryNetworkOptions {
  /** Default: no delay, no loss. */
  readonly link?: LinkPolicy
  /** Whether `from` can open a connection to `to`; once open, both directions work. Default: always (no NAT). */
  readonly reachable?: (from: EndpointId.EndpointId, to: EndpointId.EndpointId) => boolean
  /** After how long without success a connection is given up, in milliseconds. Default 30,000, as in iroh. */
  readonly idleTimeoutMs?: number
  /**
   * After how long of silence one is given up across which nothing at all gets, in milliseconds. Default 15,000, as our transport
   * over iroh does, or `idleTimeoutMs` if that is less.
   */
  readonly silenceTimeoutMs?: number
  /**
   * How often something comes over an idle connection, in milliseconds: silence begins with what came last. Default 0, always;
   * iroh 5,000.
   */
  readonly heartbeatMs?: number
  /** After how long without success a dial fails, in milliseconds. Default 10,000. */
  readonly dialTimeoutMs?: number
  /**
   * From a loss to the next try, in milliseconds. Default 100, always. As a function it is told how often the same was lost
   * before, and whether the two are still dialling: QUIC waits a second then, and twice as long each time (RFC 9002, 6.2).
   */
  readonly retransmitMs?: number | RetransmitPolicy
  /** Bytes of a stream that may be under way or unread before the sender must wait. Default 1 MiB. */
  readonly streamWindowBytes?: number
}

/** An endpoint as the network sees it. */
export interface MemoryEndpoint {
  readonly id: EndpointId.EndpointId
  readonly handler: TransportHandler
  readonly connections: Set<MemoryConnection>
}

/** What {@link MemoryNetwork.setAddress} and {@link MemoryNetwork.changeNetwork} tell an endpoint. */
export interface MemoryListener {
  readonly addressChanged: (address: EndpointAddress) => void
  readonly networkChanged: () => void
}

const noDelay: LinkPolicy = () => ({})

/** What dialling, ending and closing send: QUIC pads its first packets to 1,200 bytes (RFC 9000, 14.1). */
const controlBytes = 1_200

/** A network in memory for `Gossip.layerMemory`; its methods disturb it while it runs. */
export class MemoryNetwork {
  readonly timers: Timers
  readonly idleTimeoutMs: number
  private readonly silenceTimeoutMs: number
  readonly streamWindowBytes: number
  private readonly heartbeatMs: number
  private readonly dialTimeoutMs: number
  private readonly retransmitMs: RetransmitPolicy
  private readonly random: () => number
  private link: LinkPolicy
  private reachable: (from: EndpointId.EndpointId, to: EndpointId.EndpointId) => boolean
  private readonly endpoints = new Map<EndpointId.EndpointId, MemoryEndpoint>()
  private readonly listeners = new Map<EndpointId.EndpointId, MemoryListener>()
  private readonly crashed = new Set<EndpointId.EndpointId>()
  private readonly told = new Map<EndpointId.EndpointId, Map<EndpointId.EndpointId, EndpointAddress>>()
  private groups: Map<EndpointId.EndpointId, number> | undefined
  private transmissions = 0

  private constructor(timers: Timers, random: () => number, options: MemoryNetworkOptions) {
    this.timers = timers
    this.random = random
    this.link = options.link ?? noDelay
    this.reachable = options.reachable ?? (() => true)
    this.idleTimeoutMs = options.idleTimeoutMs ?? 30_000
    this.silenceTimeoutMs = options.silenceTimeoutMs ?? Math.min(15_000, this.idleTimeoutMs)
    this.heartbeatMs = options.heartbeatMs ?? 0
    this.dialTimeoutMs = options.dialTimeoutMs ?? 10_000
    const { retransmitMs = 100 } = options
    this.retransmitMs = typeof retransmitMs === "number" ? () => retransmitMs : retransmitMs
    this.streamWindowBytes = options.streamWindowBytes ?? 1_048_576
  }

  /** An empty network on the current Clock and Random. With the scope's end nothing moves in it any more. */
  static readonly make = (options: MemoryNetworkOptions = {}): Effect.Effect<MemoryNetwork, never, Scope.Scope> =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const random = yield* Random.Random
      return new MemoryNetwork(timers, () => random.nextDoubleUnsafe(), options)
    })

  /** From now on links behave so; what is under way keeps its time. */
  setLink(link: LinkPolicy): void {
    this.link = link
  }

  /** From now on dials are possible so; connections stay. */
  setReachable(reachable: (from: EndpointId.EndpointId, to: EndpointId.EndpointId) => boolean): void {
    this.reachable = reachable
  }

  /** Splits the network: nothing passes between two groups, nor to or from endpoints in none. Replaces earlier groups. */
  partition(groups: ReadonlyArray<Iterable<EndpointId.EndpointId>>): void {
    this.groups = new Map()
    for (const [number, group] of groups.entries()) for (const id of group) this.groups.set(id, number)
    for (const endpoint of this.endpoints.values()) this.watchCutConnections(endpoint)
  }

  /** Ends {@link partition}. Connections that were not given up in the meantime go on. */
  heal(): void {
    this.groups = undefined
  }

  /** The endpoint falls silent, without a word to anyone: as when a process is killed or a cable pulled. */
  crash(id: EndpointId.EndpointId): void {
    this.crashed.add(id)
    const endpoint = this.endpoints.get(id)
    if (endpoint !== undefined) this.watchCutConnections(endpoint)
  }

  /** Ends {@link crash}. */
  restore(id: EndpointId.EndpointId): void {
    this.crashed.delete(id)
  }

  /** Gives the endpoint other addresses, which it then tells its peers of. */
  setAddress(id: EndpointId.EndpointId, address: EndpointAddress): void {
    this.listeners.get(id)?.addressChanged(address)
  }

  /** Where others can be reached, as the endpoint was told last. It dials them by id all the same. */
  learned(id: EndpointId.EndpointId): ReadonlyMap<EndpointId.EndpointId, EndpointAddress> {
    return this.told.get(id) ?? new Map()
  }

  /** Lets the endpoint know that the network under it changed. */
  changeNetwork(id: EndpointId.EndpointId): void {
    this.listeners.get(id)?.networkChanged()
  }

  /** What exists in the network now, and how many transmissions there have been: for tests of leaks and of cost. */
  get size(): {
    readonly endpoints: number
    readonly connections: number
    readonly timers: number
    readonly transmissions: number
  } {
    let connections = 0
    for (const endpoint of this.endpoints.values()) connections += endpoint.connections.size
    return {
      endpoints: this.endpoints.size,
      connections,
      timers: this.timers.size,
      transmissions: this.transmissions,
    }
  }

  /** @internal Adds an endpoint; undefined when one with that id is there already. */
  attach(id: EndpointId.EndpointId, handler: TransportHandler): MemoryEndpoint | undefined {
    if (this.endpoints.has(id)) return undefined
    const endpoint: MemoryEndpoint = { id, handler, connections: new Set() }
    this.endpoints.set(id, endpoint)
    return endpoint
  }

  /** @internal Takes an endpoint out and closes its connections. */
  detach(endpoint: MemoryEndpoint): void {
    for (const connection of [...endpoint.connections]) connection.close()
    if (this.endpoints.get(endpoint.id) === endpoint) this.endpoints.delete(endpoint.id)
  }

  /** @internal Whom {@link setAddress} and {@link changeNetwork} tell; undefined takes it back. */
  observe(id: EndpointId.EndpointId, listener: MemoryListener | undefined): void {
    if (listener === undefined) this.listeners.delete(id)
    else this.listeners.set(id, listener)
  }

  /** @internal */
  noteLearned(id: EndpointId.EndpointId, peer: EndpointId.EndpointId, address: EndpointAddress): void {
    if (isEmptyAddress(address)) return
    const told = this.told.get(id) ?? new Map()
    this.told.set(id, told.set(peer, address))
  }

  /** @internal A round trip to the peer, then `connected` on both sides; or `dialFailed`. */
  dial(from: MemoryEndpoint, to: EndpointId.EndpointId): void {
    const deadline = this.timers.now() + this.dialTimeoutMs
    const gaveUp = (): void => {
      if (this.isAttached(from)) from.handler.dialFailed(to, "timed out")
    }
    const answered = (peer: MemoryEndpoint): void => {
      if (this.isAttached(from) && this.isAttached(peer)) {
        const [ours, theirs] = MemoryConnection.pair(this, from, peer)
        peer.handler.connected(theirs, false)
        from.handler.connected(ours, true)
      } else this.after(deadline, gaveUp)
    }
    const asked = (): void => {
      const peer = this.endpoints.get(to)
      if (peer === undefined || !this.reachable(from.id, to)) this.after(deadline, gaveUp)
      else this.carry(to, from.id, deadline, () => answered(peer), gaveUp, { dialling: true })
    }
    this.carry(from.id, to, deadline, asked, gaveUp, { dialling: true })
  }

  /** @internal Carries one transmission: `arrived` runs at its time, or `lost` when it did not get through before the deadline. */
  carry(
    from: EndpointId.EndpointId,
    to: EndpointId.EndpointId,
    deadline: number,
    arrived: () => void,
    lost: () => void,
    {
      bytes = controlBytes,
      dialling = false,
    }: { readonly bytes?: number | undefined; readonly dialling?: boolean } = {},
    lostBefore = 0,
  ): void {
    this.transmissions++
    const now = this.timers.now()
    const link = this.isCut(from, to) ? cut : this.link(from, to, this.random, bytes)
    if (link.drop !== true) {
      this.after(now + (link.delayMs ?? 0), arrived)
      return
    }
    const again = now + this.retransmitMs(from, to, lostBefore, dialling)
    if (again > deadline) this.after(deadline, lost)
    else this.after(again, () => this.carry(from, to, deadline, arrived, lost, { bytes, dialling }, lostBefore + 1))
  }

  /** @internal Whether nothing at all passes from one to the other. */
  isCut(from: EndpointId.EndpointId, to: EndpointId.EndpointId): boolean {
    if (this.crashed.size > 0 && (this.crashed.has(from) || this.crashed.has(to))) return true
    if (this.groups === undefined) return false
    const group = this.groups.get(from)
    return group === undefined || group !== this.groups.get(to)
  }

  private isAttached(endpoint: MemoryEndpoint): boolean {
    return this.endpoints.get(endpoint.id) === endpoint
  }

  /** Connections notice a cut only by silence, which began with the last message or heartbeat that came through. */
  private watchCutConnections(endpoint: MemoryEndpoint): void {
    for (const connection of endpoint.connections) {
      const remote = connection.remoteId
      if (!this.isCut(endpoint.id, remote)) continue
      const silentFor = this.heartbeatMs > 0 ? (this.timers.now() - connection.heardAt) % this.heartbeatMs : 0
      connection.giveUpUnless(() => !this.isCut(endpoint.id, remote), this.silenceTimeoutMs - silentFor)
    }
  }

  private after(at: number, run: () => void): void {
    const delay = at - this.timers.now()
    if (delay > 0) this.timers.schedule(delay, run)
    else this.timers.soon(run)
  }
}

const cut: LinkState = { drop: true }
