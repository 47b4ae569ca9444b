import type { EndpointId } from "@topic-tracker/crypto"
import { Door } from "@topic-tracker/crypto/members"
import type { BiStream, Connection, DialOptions, TransportHandler } from "../transport/Transport.ts"
import { type DoorEnd, Doors } from "./Doors.ts"
import { MembersConnection } from "./MembersConnection.ts"
import type { MembersLine, MembersTransport } from "./MembersLine.ts"
import { RepairStream } from "./RepairStream.ts"
import type { RepairMessage } from "./repairMessages.ts"
import { UnprovenConnections } from "./UnprovenConnections.ts"

/**
 * The protocol of connections for members-only topics.
 *
 * @since 0.1.0
 * @category constants
 */
export const MEMBERS_ALPN = "/topic-tracker/members/1"
/** One-way streams of a proven peer; the engine sets its own limit later. */
const PROVEN_UNI_STREAMS = 64

const FLAGS = Door.DoorFlag.validates | Door.DoorFlag.repairs | Door.DoorFlag.whispers

/**
 * The doors of a node. It is the transport's handler of {@link MEMBERS_ALPN}.
 *
 * @since 0.1.0
 * @category models
 */
export class MembersRouter implements TransportHandler {
  readonly #transport: MembersTransport
  readonly #doors: Doors<MembersLine>
  readonly #lines = new Set<MembersLine>()
  /** Topics that wait for a connection to a peer. */
  readonly #dials = new Map<EndpointId.EndpointId, Array<MembersLine>>()
  readonly #unproven: UnprovenConnections
  readonly #proven = new Map<MembersLine, Set<MembersConnection>>()

  constructor(transport: MembersTransport) {
    const { endpointId, timers } = transport
    this.#transport = transport
    this.#unproven = new UnprovenConnections(timers)
    this.#doors = new Doors({ self: endpointId, timers, flags: FLAGS, lines: () => this.#lines })
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
    if (line.allow === undefined) {
      this.#dial(line, peer, options)
      return
    }
    // In a turn of its own: the engine expects no answer within the call.
    this.#transport.timers.runSoon(() =>
      line.allow?.(peer, (answer) => {
        if (!this.#lines.has(line)) return
        if (answer === "admit") this.#dial(line, peer, options)
        else {
          line.refused(peer, answer, false)
          line.handler.dialFailed(peer, `allow: ${answer}`)
        }
      }),
    )
  }

  #dial(line: MembersLine, peer: EndpointId.EndpointId, options: DialOptions | undefined): void {
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

  /** The peers that have proven membership of the topic. */
  peers(line: MembersLine): ReadonlySet<EndpointId.EndpointId> {
    return new Set([...(this.#proven.get(line) ?? [])].map(({ remoteId }) => remoteId))
  }

  /** Closes the topic's connections with the peer: the user does not admit it any more. */
  drop(line: MembersLine, peer: EndpointId.EndpointId): void {
    for (const connection of [...(this.#proven.get(line) ?? [])]) {
      if (connection.remoteId !== peer) continue
      line.excluded(peer)
      connection.close()
    }
  }

  /** Closes the topic's connections whose last proof was for an earlier minute than this one. Their peers may come back. */
  endOlderThan(line: MembersLine, epoch: number): void {
    for (const connection of [...(this.#proven.get(line) ?? [])]) if (connection.provenEpoch < epoch) connection.close()
  }

  /** Refuses the peer for a time and closes the topic's connections with it: it forwarded what no member accepts. */
  ban(line: MembersLine, peer: EndpointId.EndpointId, ms: number): void {
    this.#doors.ban(peer, ms)
    this.drop(line, peer)
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
      this.#unproven.add(connection)
      connection.acceptBi((stream) => {
        if (stream === undefined) this.#unproven.remove(connection)
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
    this.#unproven.add(connection)
    connection.openBi((stream) => {
      if (stream !== undefined) this.#openDoor(line, connection, stream)
      else {
        this.#unproven.remove(connection)
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
      this.#unproven.remove(connection)
      if (output._tag === "Proven" && this.#lines.has(line)) this.#adopt(line, connection, stream, output, true)
      else {
        connection.close()
        line.handler.dialFailed(peer, output._tag === "Failed" ? `the door: ${output.reason}` : "the topic is closed")
      }
    })
  }

  #runDialler(line: MembersLine, peer: EndpointId.EndpointId, stream: BiStream, ended: (end: DoorEnd) => void): void {
    this.#doors.open(line.door, peer, stream, (end) => {
      if (end._tag === "Failed") line.refused(peer, end.reason, end.byPeer)
      ended(end)
    })
  }

  /** The other side: a peer opened a connection and its door. */
  #accept(connection: Connection, stream: BiStream): void {
    this.#runAcceptor(connection, stream, undefined, (line, output) => {
      this.#unproven.remove(connection)
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
    ended: (line: MembersLine | undefined, end: DoorEnd) => void,
  ): void {
    const peer = connection.remoteId
    this.#doors.answer(peer, stream, {
      only,
      ask: ({ allow }, answer) => (allow === undefined ? answer("admit") : allow(peer, answer)),
      ended: (end, opened) => {
        // A tag that no topic has: with one topic here, the peer asked for that one.
        const meant = only ?? (this.#lines.size === 1 ? [...this.#lines][0] : undefined)
        const line = end._tag === "Proven" ? opened : meant
        if (end._tag === "Failed") line?.refused(peer, end.reason, end.byPeer)
        ended(line, end)
      },
    })
  }

  #adopt(
    line: MembersLine,
    connection: Connection,
    stream: BiStream,
    output: Extract<DoorEnd, { readonly _tag: "Proven" }>,
    isDialled: boolean,
  ): void {
    const { timers } = this.#transport
    const peer = connection.remoteId
    const proven: MembersConnection = new MembersConnection({
      connection,
      timers,
      isDialled,
      validMs: line.door.window.overlap * 60_000,
      epoch: output.epoch,
      renew: (again) => this.#renewDoor(line, proven, connection, again),
      answer: (next, again) =>
        this.#runAcceptor(connection, next, line, (_line, renewed) => {
          next.send.finish()
          if (renewed._tag === "Failed") {
            if (renewed.reason === "not allowed") this.drop(line, peer)
            return
          }
          line.proven(renewed.epoch, peer, renewed.peerFlags)
          again(renewed.epoch)
        }),
      expired: () => line.excluded(peer),
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
      const takesWhispers = (output.peerFlags & Door.DoorFlag.whispers) !== 0
      if (isFirst) line.repairsOpened(peer, (message) => this.#sendRepair(line, peer, message), takesWhispers)
      repairs.start(output.rest)
    } else stream.send.finish()
    line.handler.connected(proven, isDialled)
  }

  #renewDoor(
    line: MembersLine,
    proven: MembersConnection,
    connection: Connection,
    again: (epoch: number) => void,
  ): void {
    const { remoteId } = connection
    const open = () =>
      connection.openBi((stream) => {
        if (stream === undefined) return
        this.#runDialler(line, remoteId, stream, (output) => {
          stream.send.finish()
          if (output._tag !== "Proven") return
          line.proven(output.epoch, remoteId, output.peerFlags)
          again(output.epoch)
        })
      })
    if (line.allow === undefined) open()
    else {
      line.allow(remoteId, (answer) => {
        if (answer === "admit" && this.#proven.get(line)?.has(proven) === true) open()
        else if (answer === "not allowed") this.drop(line, remoteId)
      })
    }
  }

  #hasRepairs(line: MembersLine, peer: EndpointId.EndpointId): boolean {
    return this.#repairsOf(line, peer) !== undefined
  }

  #sendRepair(line: MembersLine, peer: EndpointId.EndpointId, message: RepairMessage): void {
    this.#repairsOf(line, peer)?.send(message)
  }

  #repairsOf(line: MembersLine, peer: EndpointId.EndpointId): RepairStream | undefined {
    for (const { remoteId, repairs } of this.#proven.get(line) ?? []) if (remoteId === peer && repairs) return repairs
    return undefined
  }
}
