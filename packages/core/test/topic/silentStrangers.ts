/**
 * Strangers who know a topic's name but not its secret: each asks members for a place among their neighbours, with the priority that is
 * always accepted, and then says nothing.
 */
import { type EndpointId, TopicId } from "@topic-tracker/crypto"
import { type Connection, Protocol, type ReceiveStream } from "@topic-tracker/gossip"
import type { MemoryNetwork } from "@topic-tracker/gossip/testing"
import { Result } from "effect"
import { id } from "./records.ts"

/** Lets `count` strangers each ask every member once. */
export const silence = (network: MemoryNetwork, count: number, members: ReadonlyArray<EndpointId.EndpointId>): void => {
  for (let n = 0; n < count; n++) {
    const connected = (connection: Connection, isDialled: boolean) => {
      acceptAll(connection)
      if (isDialled) ask(connection)
    }
    const endpoint = network.attach(id(1000 + n), { connected, dialFailed: () => {} })
    if (endpoint !== undefined) for (const member of members) network.dial(endpoint, member)
  }
}

const ask = (connection: Connection): void => {
  connection.openStream((stream) => {
    const encoder = new Protocol.FrameEncoder(4096)
    encoder.header(TopicId.fromName("topic"))
    encoder.message({ _tag: "Neighbor", priority: "high", data: undefined })
    stream?.write(encoder.take(), () => {})
  })
}

/** The time after which a stranger that was sent away asks again, in ms. */
const AGAIN_MS = 1_000

/** As {@link silence}, and each stranger that is sent away asks again. `later` runs a function after a time in ms. */
export const silenceAgain = (
  network: MemoryNetwork,
  count: number,
  members: ReadonlyArray<EndpointId.EndpointId>,
  later: (ms: number, run: () => void) => void,
): void => {
  for (let n = 0; n < count; n++) {
    const connected = (connection: Connection, isDialled: boolean) => {
      let isOver = !isDialled
      const again = (): void => {
        if (isOver) return
        isOver = true
        later(AGAIN_MS, () => endpoint !== undefined && network.dial(endpoint, connection.remoteId))
      }
      acceptAll(connection, again)
      connection.onClosed(again)
      if (isDialled) ask(connection)
    }
    const endpoint = network.attach(id(1000 + n), { connected, dialFailed: () => {} })
    if (endpoint !== undefined) for (const member of members) network.dial(endpoint, member)
  }
}

/** Lets a node with this id run, that takes every peer in and leaves it at once. */
export const leaveAtOnce = (network: MemoryNetwork, self: EndpointId.EndpointId): void => {
  const connected = (connection: Connection) => {
    acceptAll(connection)
    connection.openStream((stream) => {
      const encoder = new Protocol.FrameEncoder(4096)
      encoder.header(TopicId.fromName("topic"))
      encoder.message({ _tag: "Neighbor", priority: "high", data: undefined })
      encoder.message({ _tag: "Disconnect", alive: true, respond: false })
      stream?.write(encoder.take(), () => {})
    })
  }
  network.attach(self, { connected, dialFailed: () => {} })
}

/** Takes all that comes, without an answer. `sentAway` runs for each Disconnect. */
const acceptAll = (connection: Connection, sentAway = () => {}): void => {
  connection.acceptStream((stream) => {
    if (stream === undefined) return
    const decoder = new Protocol.FrameDecoder(4096)
    let isHeader = true
    drain(stream, (bytes) => {
      decoder.push(bytes, (frame) => {
        const message = isHeader ? undefined : Protocol.decodeMessage(frame)
        isHeader = false
        if (message !== undefined && Result.isSuccess(message) && message.success._tag === "Disconnect") sentAway()
      })
    })
    acceptAll(connection, sentAway)
  })
}

const drain = (stream: ReceiveStream, onBytes: (bytes: Uint8Array) => void): void => {
  stream.read((bytes) => {
    if (bytes === undefined) return
    onBytes(bytes)
    drain(stream, onBytes)
  })
}
