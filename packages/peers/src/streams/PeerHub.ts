/**
 * All peer streams of a node: the connections of their protocol, dials, the topics and protocols that are served, and the limits. It is the
 * transport's handler of the protocol. Callbacks and plain data; `sharedHub.ts` gives it to the topics of a node.
 */
import { BoundedMap, type Timers, TokenBuckets } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import type { Connection, Exclusion, PeerConnections, TransportHandler } from "@topic-tracker/gossip"
import { Doors } from "@topic-tracker/gossip/members"
import { ByteRate } from "./ByteRate.ts"
import type { FramedStream } from "./FramedStream.ts"
import { LEFT_CODE, type OpenAttempt, PeerConnection } from "./PeerConnection.ts"
import type { OpenFailure, PeerLine } from "./PeerLine.ts"
import type { PeersLimits } from "./PeersLimits.ts"
import { SlicePolicy } from "./SlicePolicy.ts"
import { WindowPool } from "./WindowPool.ts"
import { type Answer, FIRST_WINDOW, PEERS_ALPN } from "./wire.ts"

/** Peers whose rates of openings and bytes are remembered. */
const MAX_RATES = 1_024

/** QUIC lets a peer open so many more streams than we take, so that the next one gets an answer. */
const SPARE_STREAMS = 16

/** A peer that sent so much more than its rate allows opens no further stream: each begins with a window of its own. */
const MAX_BEHIND_MS = 1_000

/** A peer that keeps to the protocol leaves nothing unread; this is for the time in which this process is busy. */
const UNREAD_BYTES = 8_388_608

/** Nothing about repair messages or gossip is stated at the doors of this protocol. */
const NO_FLAGS = 0

/** The counters of peer streams. */
export interface HubCounters {
  opened: number
  accepted: number
  refused: number
  dials: number
  dialFailures: number
  violations: number
}

interface Peer {
  readonly pool: WindowPool
  readonly rate: ByteRate
  /** The oldest first. */
  readonly connections: Set<PeerConnection>
  accepted: number
}

export class PeerHub implements TransportHandler {
  readonly counters: HubCounters = {
    opened: 0,
    accepted: 0,
    refused: 0,
    dials: 0,
    dialFailures: 0,
    violations: 0,
  }
  readonly #transport: PeerConnections
  readonly #limits: PeersLimits
  readonly #lines = new Set<PeerLine>()
  readonly #peers = new Map<EndpointId.EndpointId, Peer>()
  readonly #dials = new Map<EndpointId.EndpointId, Set<(result: PeerConnection | OpenFailure) => void>>()
  readonly #rates: TokenBuckets<EndpointId.EndpointId>
  readonly #byteRates = new BoundedMap<EndpointId.EndpointId, ByteRate>(MAX_RATES)
  readonly #pool: WindowPool
  readonly #rate: ByteRate
  readonly #slices: SlicePolicy
  readonly #doors: Doors<PeerLine>
  #accepted = 0
  #connectionCount = 0

  constructor(self: EndpointId.EndpointId, transport: PeerConnections, limits: PeersLimits) {
    this.#transport = transport
    this.#limits = limits
    this.#rates = new TokenBuckets(MAX_RATES, limits.openingBurst, limits.openingsPerSecond)
    this.#pool = new WindowPool(limits.windowBytes)
    this.#rate = byteRate(limits.bytesPerSecond)
    this.#slices = new SlicePolicy(() => transport.timers.now(), transport.gossipMessages)
    this.#doors = new Doors({ self, timers: transport.timers, flags: NO_FLAGS, lines: () => this.#lines })
  }

  get timers(): Timers {
    return this.#transport.timers
  }

  get connectionCount(): number {
    return this.#connectionCount
  }

  addLine(line: PeerLine): void {
    this.#lines.add(line)
  }

  /** Ends the line; with the last one of a topic its streams. */
  removeLine(line: PeerLine): void {
    this.#lines.delete(line)
    if ([...this.#lines].some(({ key }) => key === line.key)) return
    for (const { connections } of this.#peers.values()) for (const each of connections) each.forget(line.key)
  }

  /** Peers are no members of the topic any more: their streams end. */
  exclude(line: PeerLine, exclusion: Exclusion): void {
    if (exclusion._tag === "Peer") {
      for (const each of [...(this.#peers.get(exclusion.peer)?.connections ?? [])]) each.exclude(line.key)
    } else {
      for (const { connections } of [...this.#peers.values()]) {
        for (const each of connections) each.recheck(line, exclusion.epoch)
      }
    }
  }

  /** Opens a stream: on a connection that is there, else on a new one. */
  open(
    line: PeerLine,
    peer: EndpointId.EndpointId,
    protocol: string,
    done: (result: FramedStream | OpenFailure) => void,
  ): OpenAttempt {
    let attempt: OpenAttempt | undefined
    let isOver = false
    const finish = (result: FramedStream | OpenFailure): void => {
      if (isOver) return
      isOver = true
      if (!("reason" in result)) this.counters.opened++
      done(result)
    }
    const openOn = (connection: PeerConnection, isNew: boolean): void => {
      attempt = connection.open(line, protocol, (result) => {
        if (result !== "lost") finish(result)
        else if (isNew) finish({ reason: "Unreachable", message: "the connection closed before the peer answered" })
        else dial()
      })
    }
    const dialled = (result: PeerConnection | OpenFailure): void => {
      if (isOver) return
      if (result instanceof PeerConnection) openOn(result, true)
      else finish(result)
    }
    const dial = (): void => {
      attempt = undefined
      this.#dial(peer, dialled)
    }
    const known = this.#newest(peer)
    if (known === undefined) dial()
    else openOn(known, false)
    return {
      stage: () => attempt?.stage() ?? "a connection",
      cancel: () => {
        isOver = true
        attempt?.cancel()
        this.#dials.get(peer)?.delete(dialled)
      },
    }
  }

  // The handler of the transport

  connected(connection: Connection, isDialled: boolean): void {
    const peer = this.#peer(connection.remoteId)
    if (!isDialled && !this.#hasPlace(peer)) {
      connection.close()
      return
    }
    connection.limitStreams({
      uni: 0,
      bi: this.#limits.maxStreamsPerPeer + SPARE_STREAMS,
      unreadBytes: UNREAD_BYTES,
    })
    this.#connectionCount++
    const adopted: PeerConnection = new PeerConnection({
      connection,
      timers: this.timers,
      lingerMs: this.#limits.lingerMs,
      pool: peer.pool,
      rate: peer.rate,
      slices: this.#slices,
      doors: this.#doors,
      admit: () => this.#admit(connection.remoteId, peer),
      release: () => {
        peer.accepted--
        this.#accepted--
      },
      decide: (opening, isProven, answer) => this.#decide(connection.remoteId, opening, isProven, answer),
      violated: () => this.counters.violations++,
      closed: () => {
        this.#connectionCount--
        peer.connections.delete(adopted)
        if (peer.connections.size === 0) this.#peers.delete(connection.remoteId)
      },
    })
    peer.connections.add(adopted)
    if (isDialled) this.#dialEnded(connection.remoteId, adopted)
  }

  dialFailed(peer: EndpointId.EndpointId, reason: string): void {
    this.counters.dialFailures++
    this.#dialEnded(
      peer,
      isUnsupported(reason)
        ? { reason: "NotServed", message: "the peer takes no peer streams: its program has no Peers" }
        : { reason: "Unreachable", message: `no connection to the peer: ${reason}` },
    )
  }

  isNeeded(peer: EndpointId.EndpointId): boolean {
    for (const { isUsed } of this.#peers.get(peer)?.connections ?? []) if (isUsed) return true
    return false
  }

  #peer(id: EndpointId.EndpointId): Peer {
    const known = this.#peers.get(id)
    if (known !== undefined) return known
    const pool = new WindowPool(this.#limits.windowBytesPerPeer, this.#pool)
    const rate = this.#byteRates.get(id) ?? byteRate(this.#limits.bytesPerSecondPerPeer, this.#rate)
    this.#byteRates.set(id, rate)
    const peer: Peer = { pool, rate, connections: new Set(), accepted: 0 }
    this.#peers.set(id, peer)
    return peer
  }

  /** Room for an accepted connection: an unused one gives way. */
  #hasPlace(peer: Peer): boolean {
    if (peer.connections.size >= this.#limits.maxConnectionsPerPeer && !closeUnused(peer.connections)) return false
    if (this.#connectionCount < this.#limits.maxConnections) return true
    for (const { connections } of this.#peers.values()) if (closeUnused(connections)) return true
    return false
  }

  #newest(peer: EndpointId.EndpointId): PeerConnection | undefined {
    const living = [...(this.#peers.get(peer)?.connections ?? [])].filter(({ isClosed }) => !isClosed)
    return living.at(-1)
  }

  #dial(peer: EndpointId.EndpointId, done: (result: PeerConnection | OpenFailure) => void): void {
    const waiting = this.#dials.get(peer)
    if (waiting !== undefined) {
      waiting.add(done)
      return
    }
    if (this.#dials.size >= this.#limits.maxDials) {
      const message = `${this.#limits.maxDials} dials are in progress; try again later`
      this.timers.runSoon(() => done({ reason: "TooManyStreams", message }))
      return
    }
    this.#dials.set(peer, new Set([done]))
    this.counters.dials++
    this.#transport.dial(peer, { alpn: PEERS_ALPN })
  }

  #dialEnded(peer: EndpointId.EndpointId, result: PeerConnection | OpenFailure): void {
    const waiting = this.#dials.get(peer) ?? []
    this.#dials.delete(peer)
    for (const each of waiting) each(result)
  }

  // Openings of others

  #admit(id: EndpointId.EndpointId, peer: Peer): boolean {
    const { maxStreams, maxStreamsPerPeer } = this.#limits
    const now = this.timers.now()
    const isAdmitted =
      this.#rates.take(id, now) &&
      peer.accepted < maxStreamsPerPeer &&
      this.#accepted < maxStreams &&
      peer.rate.waitMs(now) <= MAX_BEHIND_MS
    if (!isAdmitted) {
      this.counters.refused++
      return false
    }
    peer.accepted++
    this.#accepted++
    return true
  }

  #decide(
    peer: EndpointId.EndpointId,
    { protocol, topic }: { readonly topic: string; readonly protocol: string },
    isProven: boolean,
    answer: (answer: Answer, accept?: (stream: FramedStream) => void) => void,
  ): void {
    const refuse = (reason: Answer): void => {
      this.counters.refused++
      answer(reason)
    }
    const lines = [...this.#lines].filter(({ key }) => key === topic)
    const line = lines.find(({ served }) => served.has(protocol)) ?? lines[0]
    const isOpen = line?.door === undefined
    if (line === undefined || (isOpen ? line.allow === undefined : !isProven)) {
      refuse(line === undefined ? "no such topic" : isOpen ? "no allow" : "not proven")
      return
    }
    ask(line.allow, peer, (isAdmitted) => {
      if (!isAdmitted) return refuse("refused")
      const served = line.served.get(protocol)
      if (served === undefined) return refuse("not served")
      ask(served.allow, peer, (isWelcome) => {
        if (!isWelcome) return refuse("refused")
        // The topic or the protocol may have gone while `allow` was asked, and while the answer was written.
        const isHere = (): boolean => this.#lines.has(line) && line.served.get(protocol) === served
        if (!isHere()) return refuse(this.#lines.has(line) ? "not served" : "no such topic")
        answer("open", (stream) => {
          this.counters.accepted++
          if (isHere()) served.accept(peer, stream)
          else stream.reset(LEFT_CODE)
        })
      })
    })
  }
}

/** At once as much as in a second, and at least the first window of a stream. */
const byteRate = (perSecond: number, all?: ByteRate): ByteRate =>
  new ByteRate(perSecond, Math.max(perSecond, FIRST_WINDOW), all)

const ask = (allow: PeerLine["allow"], peer: EndpointId.EndpointId, answer: (isAdmitted: boolean) => void): void => {
  if (allow === undefined) answer(true)
  else allow(peer, answer)
}

const closeUnused = (connections: Iterable<PeerConnection>): boolean => {
  for (const connection of connections) {
    if (connection.isUsed) continue
    connection.close()
    return true
  }
  return false
}

/** How TLS says that no protocol is common (RFC 7301, section 3.2), and how the network in memory does. */
const isUnsupported = (reason: string): boolean =>
  /support (any known|the) protocol|no_application_protocol/.test(reason)
