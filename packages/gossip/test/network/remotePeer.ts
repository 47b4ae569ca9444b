/**
 * A peer of a bare engine, from the peer's side: the test decides what it sends, and when it takes what the engine writes. Everything
 * that it took is decoded.
 */
import { EndpointId, type TopicId } from "@topic-tracker/crypto"
import { Effect, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import type { Engine } from "../../src/engine/Engine.ts"
import { type Connection, Protocol, type ReceiveStream } from "../../src/index.ts"

let keys = 0

/** A key that no other peer has. Half of all byte strings are keys; the engine does not check those of connections. */
export const freshKey = (): EndpointId.EndpointId =>
  Schema.decodeSync(EndpointId.EndpointId)((++keys).toString(16).padStart(64, "ab"))

export interface RemotePeer {
  readonly id: EndpointId.EndpointId
  /** Opens one more stream for a topic. Returns a function that sends bytes on it. */
  readonly openStream: () => (bytes: Uint8Array) => void
  /** Opens a stream on which nothing is sent, if the engine accepts one now. */
  readonly tryOpenStream: () => boolean
  /** Sends messages on the peer's first stream, which begins with the topic. */
  readonly send: (...messages: ReadonlyArray<Protocol.Message>) => void
  /** Sends frames on the peer's first stream. */
  readonly sendFrames: (frames: Uint8Array) => void
  /** Takes one write of the engine. */
  readonly takeOne: () => void
  /** From now on takes every write at once, or none. */
  readonly setTakesAll: (takesAll: boolean) => void
  /** The messages that the peer took. */
  readonly taken: ReadonlyArray<Protocol.Message>
  readonly isClosed: () => boolean
  /** The streams that the engine stopped reading. */
  readonly stopped: () => number
  /** Chunks that the engine has not read yet. */
  readonly unread: () => number
}

export const idOfPayload = Protocol.MessageId.ofContent

export const payloadOf = (content: Uint8Array): Protocol.Gossip => ({
  _tag: "Gossip",
  id: idOfPayload(content),
  content,
  scope: { _tag: "Swarm", round: 0 },
})

let payloads = 0

/** Content that no other payload has. */
export const freshContent = (bytes = 1_000): Uint8Array => {
  const content = new Uint8Array(bytes)
  new DataView(content.buffer).setUint32(0, ++payloads)
  return content
}

export const neighborRequest: Protocol.Neighbor = { _tag: "Neighbor", priority: "high", data: undefined }

/** The frames of these messages; with a topic, as the start of a stream. */
export const framesOf = (topic: TopicId | undefined, ...messages: ReadonlyArray<Protocol.Message>): Uint8Array => {
  const encoder = new Protocol.FrameEncoder(4_096)
  if (topic !== undefined) encoder.header(topic)
  for (const message of messages) encoder.message(message)
  return encoder.take()
}

/** Connects a peer to the engine. With a key, a peer that has been here before. */
export const connectPeer = (
  engine: Engine,
  topic: TopicId,
  { id = freshKey(), takesAll = true }: { readonly id?: EndpointId.EndpointId; readonly takesAll?: boolean } = {},
): RemotePeer => {
  const taken: Array<Protocol.Message> = []
  const waiting: Array<() => void> = []
  let takes = takesAll
  let closed = false
  let stops = 0
  let onClosed: (reason: string) => void = () => {}
  let accept: Parameters<Connection["acceptStream"]>[0] | undefined
  const unread = new Set<Array<Uint8Array>>()
  const makeSend = (): { readonly write: (bytes: Uint8Array, done: (isAlive: boolean) => void) => void } => {
    const decoder = new Protocol.FrameDecoder(4_096)
    let hasHeader = false
    const arrive = (bytes: Uint8Array): void => {
      decoder.push(bytes, (frame) => {
        if (hasHeader) {
          const message = Protocol.decodeMessage(frame)
          if (Result.isSuccess(message)) taken.push(message.success)
        }
        hasHeader = true
      })
    }
    return {
      write: (bytes, done) => {
        const take = (): void => {
          arrive(bytes)
          done(true)
        }
        if (takes) queueMicrotask(take)
        else waiting.push(take)
      },
    }
  }
  const connection: Connection = {
    remoteId: id,
    openStream: (done) =>
      queueMicrotask(() => done({ ...makeSend(), finish: () => {}, reset: () => {}, onStopped: () => {} })),
    acceptStream: (done) => {
      accept = done
    },
    alpn: "test",
    openBi: () => {},
    acceptBi: () => {},
    limitStreams: () => {},
    onClosed: (listener) => {
      onClosed = listener
    },
    close: () => {
      if (closed) return
      closed = true
      queueMicrotask(() => onClosed("closed"))
    },
  }
  engine.peers.connected(connection, false)
  const accepted = (stream: ReceiveStream): void => {
    const done = accept
    accept = undefined
    done?.(stream)
  }
  const openStream = () => {
    const chunks: Array<Uint8Array> = []
    unread.add(chunks)
    let reading: ((bytes: Uint8Array | undefined) => void) | undefined
    accepted({
      read: (done) => {
        const chunk = chunks.shift()
        if (chunk === undefined) reading = done
        else done(chunk)
      },
      stop: () => {
        stops++
      },
    })
    return (bytes: Uint8Array): void => {
      const done = reading
      reading = undefined
      if (done === undefined) chunks.push(bytes)
      else done(bytes)
    }
  }
  let first: ((bytes: Uint8Array) => void) | undefined
  const firstStream = () => {
    if (first !== undefined) return first
    first = openStream()
    first(framesOf(topic))
    return first
  }
  return {
    id,
    openStream,
    tryOpenStream: () => {
      if (accept === undefined) return false
      accepted({ read: () => {}, stop: () => {} })
      return true
    },
    send: (...messages) => firstStream()(framesOf(undefined, ...messages)),
    sendFrames: (frames) => firstStream()(frames),
    takeOne: () => waiting.shift()?.(),
    setTakesAll: (takesAll) => {
      takes = takesAll
      if (takesAll) for (const take of waiting.splice(0)) take()
    },
    taken,
    isClosed: () => closed,
    stopped: () => stops,
    unread: () => [...unread].reduce((sum, chunks) => sum + chunks.length, 0),
  }
}

/** Lets the given time pass, in steps in which waiting callbacks run. */
export const passMs = (ms: number, stepMs = 50): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let left = ms; left > 0; left -= stepMs) yield* TestClock.adjust(Math.min(stepMs, left))
  })
