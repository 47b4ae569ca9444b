/**
 * All members-only topics of a node on the connections of their protocol: each connection begins with a door, and belongs to the topic whose
 * door it was. The engine of a topic gets a connection when the peer has proven membership, and never learns of others.
 */
import type { Timer, Timers } from "@topic-tracker/common"
import { EndpointId } from "@topic-tracker/crypto"
import { Door } from "@topic-tracker/crypto/members"
import type { BiStream, Connection, DialOptions, TransportHandler } from "../transport/Transport.ts"
import { DOOR_MS, DoorAcceptor, DoorDialler, type DoorFailure, type DoorOutput, type DoorTopic } from "./Door.ts"
import { DoorGuard } from "./DoorGuard.ts"
import { MembersConnection } from "./MembersConnection.ts"
import { RepairStream } from "./RepairStream.ts"
import type { RepairMessage } from "./repairMessages.ts"
import { runDoor } from "./runDoor.ts"

/** The protocol of connections for members-only topics. */
export const MEMBERS_ALPN = "/topic-tracker/members/1"
/** Connections whose door is not open yet, in all and of one peer. The oldest gives way. */
const MAX_UNPROVEN = 64

/** A members-only topic, as the router sees it. */
export interface MembersLine {
  readonly door: DoorTopic
  /** The engine of the topic. */
  readonly handler: TransportHandler
  /** Whether the peer may be a neighbour. Undefined: everybody with the secret may. */
  readonly allow: ((peer: EndpointId.EndpointId, answer: (isAllowed: boolean) => void) => void) | undefined
  /** The peer has proven membership, for this minute. `flags`: its statements, `DoorFlag` of crypto. */
  readonly proven: (epoch: number, peer: EndpointId.EndpointId, flags: number) => void
  readonly refused: (peer: EndpointId.EndpointId, reason: DoorFailure, byPeer: boolean) => void
  /** Repair messages go to and come from this peer from now on, until `repairsClosed`. */
  readonly repairsOpened: (peer: EndpointId.EndpointId, send: (message: RepairMessage) => void) => void
  readonly repairsClosed: (peer: EndpointId.EndpointId) => void
  readonly repair: (peer: EndpointId.EndpointId, message: RepairMessage) => void
}

/** The parts of a transport that the router uses. */
export interface MembersTransport {
  readonly endpointId: EndpointId.EndpointId
  readonly timers: Timers
  readonly dial: (peer: EndpointId.EndpointId, options?: DialOptions) => void
}

/** One-way streams of a proven peer; the engine sets its own limit later. */
const PROVEN_UNI_STREAMS = 64

const FLAGS = Door.DoorFlag.validates | Door.DoorFlag.repairs

/**
 * The doors of a node. It is the transport's handler of {@link MEMBERS_ALPN}.
 *
 * @since 0.1.0
 */
export class MembersRouter implements TransportHandler {
  readonly #transport: MembersTransport
  readonly #randomBytes: (length: number) => Uint8Array
  readonly #self: Uint8Array
  readonly #guard = new DoorGuard()
  readonly #lines = new Set<MembersLine>()
  /** Topics that wait for a connection to a peer. */
  readonly #dials = new Map<EndpointId.EndpointId, Array<MembersLine>>()
  /** Connections without a proof, the oldest first. */
  readonly #unproven = new Map<Connection, Timer>()
  readonly #proven = new Map<MembersLine, Set<MembersConnection>>()

  constructor(transport: MembersTransport, randomBytes: (length: number) => Uint8Array) {
    this.#transport = transport
    this.#randomBytes = randomBytes
    this.#self = EndpointId.bytes(transport.endpointId)
  }

  /** Peers may enter this topic from now on. */
  addLine(line: MembersLine): void {
    this.#lines.add(line)
    this.#proven.set(line, new Set())
  }

  /** Closes the topic's connections. */
  removeLine(line: MembersLine): void {
    this.#lines.delete(line)
    for (const connection of [...(this.#proven.get(line) ?? [])]) connection.close()
    this.#proven.delete(line)
    for (const [peer, waiting] of this.#dials) {
      const rest = waiting.filter((each) => each !== line)
      if (rest.length > 0) this.#dials.set(peer, rest)
      else this.#dials.delete(peer)
    }
  }

  /** Connects to the peer for this topic: ends in `connected` or `dialFailed` of the topic's engine. */
  dial(line: MembersLine, peer: EndpointId.EndpointId, options?: DialOptions): void {
    const waiting = this.#dials.get(peer)
    if (waiting?.includes(line) === true) return
    if (waiting === undefined) this.#dials.set(peer, [line])
    else waiting.push(line)
    if (waiting === undefined) this.#transport.dial(peer, { ...options, alpn: MEMBERS_ALPN })
  }

  /** All doors that this side opened are opened again: a secret changed, or the minute jumped. */
  renew(line: MembersLine): void {
    for (const connection of this.#proven.get(line) ?? []) connection.renewNow()
  }

  /** Refuses the peer for a time and closes the topic's connections with it: it forwarded what no member accepts. */
  ban(line: MembersLine, peer: EndpointId.EndpointId, ms: number): void {
    this.#guard.ban(peer, ms, this.#transport.timers.now())
    for (const connection of [...(this.#proven.get(line) ?? [])]) if (connection.remoteId === peer) connection.close()
  }

  /** Whether a topic uses a connection with the peer. */
  isNeeded(peer: EndpointId.EndpointId): boolean {
    for (const connections of this.#proven.values()) {
      for (const { remoteId } of connections) if (remoteId === peer) return true
    }
    return false
  }

  connected(connection: Connection, isDialled: boolean): void {
    const peer = connection.remoteId
    if (!isDialled) {
      this.#watch(connection)
      connection.acceptBi((stream) => {
        if (stream === undefined) this.#forget(connection)
        else this.#accept(connection, stream)
      })
      return
    }
    const waiting = this.#dials.get(peer)
    const line = waiting?.shift()
    if (waiting?.length === 0) this.#dials.delete(peer)
    else if (waiting !== undefined) this.#transport.dial(peer, { alpn: MEMBERS_ALPN })
    if (line === undefined || !this.#lines.has(line)) {
      connection.close()
      return
    }
    this.#watch(connection)
    connection.openBi((stream) => {
      if (stream !== undefined) this.#openDoor(line, connection, stream)
      else {
        this.#forget(connection)
        line.handler.dialFailed(peer, "the connection closed before the door opened")
      }
    })
  }

  dialFailed(peer: EndpointId.EndpointId, reason: string): void {
    const waiting = this.#dials.get(peer) ?? []
    this.#dials.delete(peer)
    for (const line of waiting) line.handler.dialFailed(peer, reason)
  }

  /** Our side of a connection that we dialled. */
  #openDoor(line: MembersLine, connection: Connection, stream: BiStream): void {
    const peer = connection.remoteId
    this.#runDialler(line, peer, stream, (output) => {
      this.#forget(connection)
      if (output._tag === "Proven" && this.#lines.has(line)) this.#adopt(line, connection, stream, output, true)
      else {
        connection.close()
        line.handler.dialFailed(peer, output._tag === "Failed" ? `the door: ${output.reason}` : "the topic is closed")
      }
    })
  }

  #runDialler(
    line: MembersLine,
    peer: EndpointId.EndpointId,
    stream: BiStream,
    ended: (output: Extract<DoorOutput, { readonly _tag: "Proven" | "Failed" }>) => void,
  ): void {
    const { timers } = this.#transport
    const dialler = new DoorDialler({
      topic: line.door,
      self: this.#self,
      peer: EndpointId.bytes(peer),
      nonce: this.#randomBytes(32),
      flags: FLAGS,
      now: timers.now(),
    })
    const driver = {
      get deadline() {
        return dialler.deadline
      },
      start: () => dialler.start(),
      receive: (bytes: Uint8Array) => dialler.receive(bytes),
      timeUp: (now: number) => dialler.timeUp(now),
    }
    runDoor(stream, driver, timers, {
      ask: (_topic, answer) => answer("admit"),
      ended: (output) => {
        if (output._tag === "Failed") {
          if (output.reason === "proof wrong" && !output.byPeer) this.#guard.noteWrongProof(peer, timers.now())
          line.refused(peer, output.reason, output.byPeer)
        }
        ended(output)
      },
    })
  }

  /** The other side: a peer opened a connection and its door. */
  #accept(connection: Connection, stream: BiStream): void {
    this.#runAcceptor(connection, stream, undefined, (line, output) => {
      this.#forget(connection)
      if (output._tag === "Proven" && line !== undefined) this.#adopt(line, connection, stream, output, false)
      else {
        // The refusal is on its way: the connection closes when it has arrived.
        stream.send.finish()
        connection.close()
      }
    })
  }

  #runAcceptor(
    connection: Connection,
    stream: BiStream,
    only: MembersLine | undefined,
    ended: (line: MembersLine | undefined, output: Extract<DoorOutput, { readonly _tag: "Proven" | "Failed" }>) => void,
  ): void {
    const { timers } = this.#transport
    const peer = connection.remoteId
    const acceptor = new DoorAcceptor({
      findTag: (doorTag) => (this.#guard.mayTry(peer, timers.now()) ? this.#findTag(doorTag, only) : undefined),
      self: this.#self,
      peer: EndpointId.bytes(peer),
      nonce: this.#randomBytes(32),
      flags: FLAGS,
      now: timers.now(),
    })
    runDoor(stream, acceptor, timers, {
      ask: (topic, answer) => this.#ask(topic, peer, answer),
      ended: (output) => {
        const now = timers.now()
        if (output._tag === "Failed" && output.reason === "proof wrong") this.#guard.noteWrongProof(peer, now)
        if (output._tag === "Failed" && output.reason === "not here") this.#guard.noteUnknownTag(peer, now)
        const line = output._tag === "Proven" ? this.#lineOf(output.topic) : only
        if (output._tag === "Failed") line?.refused(peer, output.reason, output.byPeer)
        ended(line, output)
      },
    })
  }

  #adopt(
    line: MembersLine,
    connection: Connection,
    stream: BiStream,
    output: Extract<DoorOutput, { readonly _tag: "Proven" }>,
    isDialled: boolean,
  ): void {
    const { timers } = this.#transport
    const peer = connection.remoteId
    const proven: MembersConnection = new MembersConnection({
      connection,
      timers,
      isDialled,
      validMs: line.door.window.overlap * 60_000,
      renew: (again) => this.#renewDoor(line, connection, again),
      answer: (next, again) =>
        this.#runAcceptor(connection, next, line, (_line, renewed) => {
          next.send.finish()
          if (renewed._tag !== "Proven") return
          line.proven(renewed.epoch, peer, renewed.peerFlags)
          again()
        }),
      closed: () => {
        this.#proven.get(line)?.delete(proven)
        if (proven.repairs !== undefined && !this.#hasRepairs(line, peer)) line.repairsClosed(peer)
      },
    })
    this.#proven.get(line)?.add(proven)
    connection.limitStreams({ uni: PROVEN_UNI_STREAMS, bi: 2 })
    line.proven(output.epoch, peer, output.peerFlags)
    if ((output.peerFlags & Door.DoorFlag.repairs) !== 0) {
      const isFirst = !this.#hasRepairs(line, peer)
      const repairs = new RepairStream(stream, timers, (message) => line.repair(peer, message))
      proven.repairs = repairs
      if (isFirst) line.repairsOpened(peer, (message) => this.#sendRepair(line, peer, message))
      repairs.start(output.rest)
    } else stream.send.finish()
    line.handler.connected(proven, isDialled)
  }

  #renewDoor(line: MembersLine, connection: Connection, again: () => void): void {
    connection.openBi((stream) => {
      if (stream === undefined) return
      this.#runDialler(line, connection.remoteId, stream, (output) => {
        stream.send.finish()
        if (output._tag !== "Proven") return
        line.proven(output.epoch, connection.remoteId, output.peerFlags)
        again()
      })
    })
  }

  #hasRepairs(line: MembersLine, peer: EndpointId.EndpointId): boolean {
    for (const each of this.#proven.get(line) ?? [])
      if (each.remoteId === peer && each.repairs !== undefined) return true
    return false
  }

  #sendRepair(line: MembersLine, peer: EndpointId.EndpointId, message: RepairMessage): void {
    for (const each of this.#proven.get(line) ?? []) {
      if (each.remoteId !== peer || each.repairs === undefined) continue
      each.repairs.send(message)
      return
    }
  }

  #findTag(doorTag: Uint8Array, only: MembersLine | undefined) {
    for (const line of only === undefined ? this.#lines : [only]) {
      const keys = line.door.window.findTag(doorTag)
      if (keys !== undefined) return { topic: line.door, keys }
    }
    return undefined
  }

  #lineOf(topic: DoorTopic): MembersLine | undefined {
    for (const line of this.#lines) if (line.door === topic) return line
    return undefined
  }

  #ask(
    topic: DoorTopic,
    peer: EndpointId.EndpointId,
    answer: (allowed: "admit" | "not allowed" | "busy") => void,
  ): void {
    const line = this.#lineOf(topic)
    if (line === undefined) answer("busy")
    else if (line.allow === undefined) answer("admit")
    else line.allow(peer, (isAllowed) => answer(isAllowed ? "admit" : "not allowed"))
  }

  /** A connection without a proof has no streams but its door, and not for long. */
  #watch(connection: Connection): void {
    connection.limitStreams({ uni: 0, bi: 1 })
    connection.onClosed(() => this.#forget(connection))
    const timer = this.#transport.timers.schedule(DOOR_MS + 1_000, () => {
      this.#forget(connection)
      connection.close()
    })
    this.#unproven.set(connection, timer)
    if (this.#unproven.size <= MAX_UNPROVEN) return
    const oldest = this.#unproven.keys().next().value!
    this.#forget(oldest)
    oldest.close()
  }

  #forget(connection: Connection): void {
    const timer = this.#unproven.get(connection)
    if (timer === undefined) return
    this.#transport.timers.cancel(timer)
    this.#unproven.delete(connection)
  }
}
