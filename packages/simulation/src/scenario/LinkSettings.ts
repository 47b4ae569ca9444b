/** The links between the nodes of a topic, as plain data. `environment/LinkModel.ts` decides with it about each packet. */
import type { Delay } from "./Delay.ts"

/** Shares and chances are 0 to 1. */
export interface LinkSettings {
  /** One way. */
  readonly latency: Delay
  /** Upper bound of the random addition to each packet's delay, in ms. */
  readonly jitterMs: number
  /** Chance that a packet is lost. */
  readonly loss: number
  /** Chance that a packet is sent twice; then it is lost only if both copies are. */
  readonly duplication: number
  /** Chance that a packet is delayed further, and by how many ms, so that later packets overtake it. */
  readonly reordering: { readonly share: number; readonly delayMs: number }
  /** Bits per second that a node can send; undefined: no limit. */
  readonly bandwidth: number | undefined
  /** Share of the nodes that other nodes cannot dial (behind a NAT), unless a relay helps. These nodes can dial others. */
  readonly nat: number
  /** Relays of nodes behind a NAT; undefined: there are none. */
  readonly relay: RelaySettings | undefined
}

/** Relays as iroh has them: a dial takes the relay's way at once, and the connection becomes direct if both sides' NATs let it. */
export interface RelaySettings {
  /** The round trip over the relay. */
  readonly rttMs: number
  /** Share of the nodes behind a NAT that have one; the others cannot be dialled. */
  readonly share: number
  /** Share of the pairs of nodes between which hole punching works. */
  readonly punched: number
  /** The time from the first packet between two nodes until they are connected directly. */
  readonly afterMs: number
}

export const perfectLinks: LinkSettings = {
  latency: { _tag: "Uniform", minMs: 10, maxMs: 50 },
  jitterMs: 0,
  loss: 0,
  duplication: 0,
  reordering: { share: 0, delayMs: 0 },
  bandwidth: undefined,
  nat: 0,
  relay: undefined,
}
