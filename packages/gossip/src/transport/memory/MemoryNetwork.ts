/**
 * A network in memory: many endpoints in one process, connected by links whose delay, loss and reachability a test or a simulation
 * decides. Streams behave as in QUIC: bytes arrive complete and in order, lost ones are sent again, and a connection is given up when
 * nothing gets through for the idle time. There are no fibers here: one heap of timers drives all endpoints, so that a thousand of them
 * are cheap, and TestClock and a seeded Random repeat a run exactly.
 */
import { Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Effect, Random, type Scope } from "effect"
import { type EndpointAddress, isEmptyAddress } from "../../AddressLookup.ts"
import { GOSSIP_ALPN, type TransportHandler } from "../Transport.ts"
import type { RecoveryTimes } from "./LossRecovery.ts"
import { type MemoryCarrier, MemoryConnection, type MemoryOwner } from "./MemoryConnection.ts"
import { CONTROL_BYTES } from "./Pipe.ts"

/**
 * The delay or loss of one transmission.
 *
 * @since 0.1.0
 * @category models
 */
export interface LinkState {
  /** The delay of one direction, in ms. Default 0. */
  readonly delayMs?: number
  /** The transmission is lost; it is sent again after `retransmitMs`. Default false. */
  readonly drop?: boolean
}

/**
 * Decides what happens to each transmission of `bytes` bytes. `random` returns numbers in [0, 1) from the Random that the network was
 * made with.
 *
 * @since 0.1.0
 * @category models
 */
export type LinkPolicy = (
  from: EndpointId.EndpointId,
  to: EndpointId.EndpointId,
  random: () => number,
  bytes: number,
) => LinkState

/**
 * The time in ms after which a lost transmission is sent again. `lostBefore` is how often it was lost before.
 *
 * @since 0.1.0
 * @category models
 */
export type RetransmitPolicy = (
  from: EndpointId.EndpointId,
  to: EndpointId.EndpointId,
  lostBefore: number,
  dialling: boolean,
) => number

/**
 * The times with which a connection between two endpoints recovers from losses.
 *
 * @since 0.1.0
 * @category models
 */
export type RecoveryPolicy = (from: EndpointId.EndpointId, to: EndpointId.EndpointId) => RecoveryTimes

/**
 * The behaviour of the links in a network in memory.
 *
 * @since 0.1.0
 * @category options
 */
export interface MemoryNetworkOptions {
  /** Default: no delay and no loss. */
  readonly link?: LinkPolicy
  /** Whether `from` can open a connection to `to`; an open connection works in both directions. Default: always (no NAT). */
  readonly reachable?: (from: EndpointId.EndpointId, to: EndpointId.EndpointId) => boolean
  /** A connection is given up when a transmission does not get through for this time, in ms. Default 30,000, as in iroh. */
  readonly idleTimeoutMs?: number
  /**
   * A connection is given up when nothing at all arrives for this time, in ms. Default 15,000, as in our transport over iroh, or
   * `idleTimeoutMs` if that is less.
   */
  readonly silenceTimeoutMs?: number
  /**
   * The interval at which something arrives over an idle connection, in ms: silence begins with the last arrival. Default 0, that is
   * all the time; iroh has 5,000.
   */
  readonly heartbeatMs?: number
  /** A dial without success fails after this time, in ms. Default 10,000. */
  readonly dialTimeoutMs?: number
  /**
   * The time from a loss to the next try, in ms. Default 100. A function gets the number of earlier losses and whether the dial is still
   * in progress: QUIC then waits a second, and twice as long each time (RFC 9002, 6.2).
   */
  readonly retransmitMs?: number | RetransmitPolicy
  /**
   * Open connections recover from losses as QUIC does: an acknowledgement shows what was lost, and probes are sent where none comes. Then
   * `retransmitMs` counts for dials alone. Default: each lost transmission is sent again after `retransmitMs`, whatever else arrives.
   */
  readonly recovery?: RecoveryPolicy
  /** The network of a host, for limits per host. Default: not known. */
  readonly networkOf?: (endpoint: EndpointId.EndpointId) => string | undefined
  /** The bytes of a stream that may be in transit or unread before the sender must wait. Default 1 MiB. */
  readonly streamWindowBytes?: number
}

/** An endpoint as the network sees it. */
export interface MemoryEndpoint extends MemoryOwner {
  /** The handlers by application protocol. */
  readonly handlers: Map<string, TransportHandler>
}

/** Gets what {@link MemoryNetwork.setAddress} and {@link MemoryNetwork.changeNetwork} do to an endpoint. */
export interface MemoryListener {
  readonly addressChanged: (address: EndpointAddress) => void
  readonly networkChanged: () => void
}

const noDelay: LinkPolicy = () => ({})

/**
 * A network in memory for `layerMemory` and `MemoryTransport.layer`. Its methods disturb it while it runs.
 *
 * @since 0.1.0
 * @category models
 */
export class MemoryNetwork implements MemoryCarrier {
  readonly timers: Timers
  readonly idleTimeoutMs: number
  private readonly silenceTimeoutMs: number
  readonly streamWindowBytes: number
  readonly networkOf: (endpoint: EndpointId.EndpointId) => string | undefined
  private readonly heartbeatMs: number
  private readonly dialTimeoutMs: number
  private readonly retransmitMs: RetransmitPolicy
  readonly recoveryTimes: RecoveryPolicy | undefined
  private readonly random: () => number
  private link: LinkPolicy
  private reachable: (from: EndpointId.EndpointId, to: EndpointId.EndpointId) => boolean
  private readonly endpoints = new Map<EndpointId.EndpointId, MemoryEndpoint>()
  private readonly listeners = new Map<EndpointId.EndpointId, MemoryListener>()
  private readonly crashed = new Set<EndpointId.EndpointId>()
  private readonly learned = new Map<EndpointId.EndpointId, Map<EndpointId.EndpointId, EndpointAddress>>()
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
    this.recoveryTimes = options.recovery
    this.networkOf = options.networkOf ?? (() => undefined)
    this.streamWindowBytes = options.streamWindowBytes ?? 1_048_576
  }

  /** An empty network on the current Clock and Random. After the scope has closed nothing moves in it. */
  static readonly make = (options: MemoryNetworkOptions = {}): Effect.Effect<MemoryNetwork, never, Scope.Scope> =>
    Effect.gen(function* () {
      const timers = yield* Timers.make
      const random = yield* Random.Random
      return new MemoryNetwork(timers, () => random.nextDoubleUnsafe(), options)
    })

  /** Changes how links behave. Transmissions on their way keep their time. */
  setLink(link: LinkPolicy): void {
    this.link = link
  }

  /** Changes which dials are possible. Open connections stay open. */
  setReachable(reachable: (from: EndpointId.EndpointId, to: EndpointId.EndpointId) => boolean): void {
    this.reachable = reachable
  }

  /** Splits the network into groups: nothing passes between two groups, or from and to an endpoint in no group. Replaces earlier groups. */
  partition(groups: ReadonlyArray<Iterable<EndpointId.EndpointId>>): void {
    this.groups = new Map()
    for (const [number, group] of groups.entries()) for (const id of group) this.groups.set(id, number)
    for (const endpoint of this.endpoints.values()) this.watchCutConnections(endpoint)
  }

  /** Ends {@link partition}. Connections that were not given up in the meantime work again. */
  heal(): void {
    this.groups = undefined
  }

  /** The endpoint sends and receives nothing any more, as after the kill of a process or the loss of a cable. */
  crash(id: EndpointId.EndpointId): void {
    this.crashed.add(id)
    const endpoint = this.endpoints.get(id)
    if (endpoint !== undefined) this.watchCutConnections(endpoint)
  }

  /** Ends {@link crash}. */
  restore(id: EndpointId.EndpointId): void {
    this.crashed.delete(id)
  }

  /** Changes the own addresses of the endpoint, which it then sends to its peers. */
  setAddress(id: EndpointId.EndpointId, address: EndpointAddress): void {
    this.listeners.get(id)?.addressChanged(address)
  }

  /** The latest addresses that the endpoint learned of other endpoints. It needs none of them: it dials by id. */
  learnedAddresses(id: EndpointId.EndpointId): ReadonlyMap<EndpointId.EndpointId, EndpointAddress> {
    return this.learned.get(id) ?? new Map()
  }

  /** Notifies the endpoint that the network of its machine has changed. */
  changeNetwork(id: EndpointId.EndpointId): void {
    this.listeners.get(id)?.networkChanged()
  }

  /** The number of objects in the network now, and of transmissions so far: for tests of leaks and of cost. */
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

  /**
   * Adds an endpoint with a handler for gossip's protocol, or with none; undefined if the network has one with that id already. For
   * `MemoryTransport.layer`.
   */
  attach(id: EndpointId.EndpointId, handler?: TransportHandler): MemoryEndpoint | undefined {
    if (this.endpoints.has(id)) return undefined
    const endpoint: MemoryEndpoint = { id, handlers: new Map(), connections: new Set() }
    if (handler !== undefined) endpoint.handlers.set(GOSSIP_ALPN, handler)
    this.endpoints.set(id, endpoint)
    return endpoint
  }

  /** Removes an endpoint and closes its connections. */
  detach(endpoint: MemoryEndpoint): void {
    for (const connection of [...endpoint.connections]) connection.close()
    if (this.endpoints.get(endpoint.id) === endpoint) this.endpoints.delete(endpoint.id)
  }

  /** Sets the listener for {@link setAddress} and {@link changeNetwork}; undefined removes it. */
  observe(id: EndpointId.EndpointId, listener: MemoryListener | undefined): void {
    if (listener === undefined) this.listeners.delete(id)
    else this.listeners.set(id, listener)
  }

  /** Remembers an address that an endpoint learned of a peer. */
  rememberAddress(id: EndpointId.EndpointId, peer: EndpointId.EndpointId, address: EndpointAddress): void {
    if (isEmptyAddress(address)) return
    const known = this.learned.get(id) ?? new Map()
    this.learned.set(id, known.set(peer, address))
  }

  /**
   * Takes one round trip to the peer, then calls `connected` on both sides, or `dialFailed`. A peer without a handler for the protocol
   * refuses after that round trip.
   */
  dial(from: MemoryEndpoint, to: EndpointId.EndpointId, alpn: string = GOSSIP_ALPN): void {
    const deadline = this.timers.now() + this.dialTimeoutMs
    const fail = (reason: string): void => {
      if (this.isAttached(from)) from.handlers.get(alpn)?.dialFailed(to, reason)
    }
    const gaveUp = (): void => fail("timed out")
    const answered = (peer: MemoryEndpoint): void => {
      if (!this.isAttached(from) || !this.isAttached(peer)) {
        this.after(deadline, gaveUp)
        return
      }
      const [ourHandler, theirHandler] = [from.handlers.get(alpn), peer.handlers.get(alpn)]
      if (theirHandler === undefined) fail("the peer does not support the protocol")
      if (ourHandler === undefined || theirHandler === undefined) return
      const [ours, theirs] = MemoryConnection.pair(this, from, peer, alpn)
      theirHandler.connected(theirs, false)
      ourHandler.connected(ours, true)
    }
    const asked = (): void => {
      const peer = this.endpoints.get(to)
      if (peer === undefined || !this.reachable(from.id, to)) this.after(deadline, gaveUp)
      else this.carry(to, from.id, deadline, () => answered(peer), gaveUp, { dialling: true })
    }
    this.carry(from.id, to, deadline, asked, gaveUp, { dialling: true })
  }

  /** Carries one transmission: `arrived` runs when it arrives, or `lost` if it does not get through before the deadline. */
  carry(
    from: EndpointId.EndpointId,
    to: EndpointId.EndpointId,
    deadline: number,
    arrived: () => void,
    lost: () => void,
    {
      bytes = CONTROL_BYTES,
      dialling = false,
    }: { readonly bytes?: number | undefined; readonly dialling?: boolean } = {},
    lostBefore = 0,
  ): void {
    const now = this.timers.now()
    const delayMs = this.transmit(from, to, bytes)
    if (delayMs !== undefined) {
      this.after(now + delayMs, arrived)
      return
    }
    const again = now + this.retransmitMs(from, to, lostBefore, dialling)
    if (again > deadline) this.after(deadline, lost)
    else this.after(again, () => this.carry(from, to, deadline, arrived, lost, { bytes, dialling }, lostBefore + 1))
  }

  /** Counts a transmission. Its delay in ms; undefined if it is lost. */
  transmit(from: EndpointId.EndpointId, to: EndpointId.EndpointId, bytes: number): number | undefined {
    this.transmissions++
    const { delayMs = 0, drop } = this.isCut(from, to) ? cut : this.link(from, to, this.random, bytes)
    return drop === true ? undefined : delayMs
  }

  /** Whether nothing at all passes from one to the other. */
  isCut(from: EndpointId.EndpointId, to: EndpointId.EndpointId): boolean {
    if (this.crashed.size > 0 && (this.crashed.has(from) || this.crashed.has(to))) return true
    if (this.groups === undefined) return false
    const group = this.groups.get(from)
    return group === undefined || group !== this.groups.get(to)
  }

  private isAttached(endpoint: MemoryEndpoint): boolean {
    return this.endpoints.get(endpoint.id) === endpoint
  }

  /** A connection notices a cut only by silence, which began with the last message or heartbeat that got through. */
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
    else this.timers.runSoon(run)
  }
}

const cut: LinkState = { drop: true }
