/**
 * Strangers who know a topic's name but not its secret: each asks members for a place among their neighbours, with the priority that is
 * always accepted, and then says nothing.
 */
import { type EndpointId, TopicId } from "@topic-tracker/crypto"
import { type Connection, Protocol, type ReceiveStream } from "@topic-tracker/gossip"
import type { MemoryNetwork } from "@topic-tracker/gossip/testing"
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

/** Takes all that comes, without an answer. */
const acceptAll = (connection: Connection): void => {
  connection.acceptStream((stream) => {
    if (stream === undefined) return
    drain(stream)
    acceptAll(connection)
  })
}

const drain = (stream: ReceiveStream): void => {
  stream.read((bytes) => {
    if (bytes !== undefined) drain(stream)
  })
}
