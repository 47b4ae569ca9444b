/** What a victim's process does for the attack that started it: nodes of ours, their traffic, their figures. */

import type { BareInfo, BareOptions } from "./bareNode.ts"

/** The secret of every topic. */
export const SECRET = "the secret that strangers do not have"

/** The environment variable that sets a victim's clock ahead, in ms. */
export const CLOCK_AHEAD_VARIABLE = "HOSTILE_CLOCK_AHEAD_MS"

export interface NodeOptions {
  /** "IP:port" of DHT nodes. */
  readonly bootstrap: ReadonlyArray<string>
  /** The address of the DHT's socket. Default: loopback. */
  readonly dhtHost?: string
  /** "public": iroh's own preset. Default: "none". */
  readonly relays?: "public" | "none"
}

export interface NodeInfo {
  /** The number by which the other calls name the node. */
  readonly node: number
  readonly endpointId: string
  /** "IP:port" at which attackers reach it. */
  readonly addresses: ReadonlyArray<string>
  /** "IP:port" of its DHT client. */
  readonly dht: string
}

export interface DhtNodesOptions {
  readonly nodes: number
  readonly equalSeq?: "overwrite" | "keep-first"
  /** The port of the first node on loopback. Default: any. */
  readonly port?: number
  /** An address of its own for each node. Default: all on 127.0.0.1. */
  readonly hosts?: ReadonlyArray<string>
}

export interface Counters {
  readonly dhtPacketsSent: number
  readonly gossip: Readonly<Record<string, number>>
  readonly dht: Readonly<Record<string, number>>
}

/** One message heard: the author's number, its own number, and its age in ms. */
export type Heard = readonly [author: string, number: number, age: number]

export interface Traffic {
  /** Numbers and times (ms since 1970) of the messages sent. */
  readonly sent: ReadonlyArray<readonly [number: number, at: number]>
  readonly heard: ReadonlyArray<Heard>
  /** Events that the subscriber lost. */
  readonly lagged: number
}

export interface VictimApi {
  startNode(options: NodeOptions): Promise<NodeInfo>
  stopNode(node: number): Promise<void>
  /** Joins a topic. Returns the ms until the first neighbour, or undefined after `withinMs`; the topic stays open. */
  join(node: number, topic: string, withinMs: number): Promise<number | undefined>
  neighbors(node: number, topic: string): Promise<ReadonlyArray<string>>
  /** Begins to broadcast a message of `bytes` bytes each `everyMs`. */
  beginTraffic(node: number, topic: string, everyMs: number, bytes: number): Promise<void>
  endTraffic(node: number, topic: string): Promise<Traffic>
  /** What was sent and heard since the last call, while traffic goes on. */
  takeTraffic(node: number, topic: string): Promise<Traffic>
  counters(node: number): Promise<Counters>
  startDhtNodes(options: DhtNodesOptions): Promise<ReadonlyArray<string>>
  /** Starts or restarts the measurement of the event loop's delay. */
  watchLoop(): Promise<void>
  /** The 99th percentile of the event loop's delay in ms since {@link watchLoop}. */
  loopDelay(): Promise<number>
  collectGarbage(): Promise<void>
  memory(): Promise<MemoryUse>
  /** A bare endpoint of the binding in this process, without any code of ours. */
  startBare(options?: BareOptions): Promise<BareInfo>
  connectBare(target: BareInfo): Promise<void>
  /** Begins to send a message of `bytes` bytes on each connection each `everyMs`. */
  sendBare(everyMs: number, bytes: number): Promise<void>
}

/** Memory of the process in bytes. */
export interface MemoryUse {
  /** Objects of JavaScript, and what the runtime keeps for them outside of its heap: buffers. */
  readonly live: number
  /** The part of it that is compiled code: V8 compiles what runs often, for hours. */
  readonly code: number
}

/** A call over the process's channel, and its answer. */
export interface Call {
  readonly id: number
  readonly method: keyof VictimApi
  readonly args: ReadonlyArray<unknown>
}

export type Answer = { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: string }
