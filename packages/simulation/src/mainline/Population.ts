/**
 * The nodes of a mainline DHT of any size as numbers: their ids, addresses, round trips and routing tables follow from a salt, so
 * that millions of them need four bytes each. It knows no packets, no items and no clock.
 *
 * A node knows what a Kademlia routing table holds: 8 nodes of each bucket, drawn from all of that bucket, dead ones included. Of
 * the small buckets around itself it knows most nodes.
 */

import { delayAt } from "../scenario/Delay.ts"
import { MAX_MAINLINE_NODES, type MainlineSettings } from "../scenario/DhtSettings.ts"

/** Nodes in one bucket of a routing table (BEP 5). */
const BUCKET_SIZE = 8

/** Bits of the id prefixes that are kept; the other bits decide nothing among millions of nodes. */
const BITS = 32

/** Buckets that a node looks into beyond the one of the target. */
const MAX_DEEPER = 14

/** Salts of the draws. */
const DEAD = 0xdead
const MUTE = 0x3a7e
const KEEP_FIRST = 0x4ee9
const KNOWN = 0xb0b
const ROUND_TRIP = 0xaaa1

/** Nodes have the hosts 11.0.0.0 and on: public addresses, 2^24 of them. */
const FIRST_HOST = 0x0b000000
const HOSTS = MAX_MAINLINE_NODES
/** Odd, so that each node has a host of its own; neighbours in the id space are far apart in the address space. */
const HOST_STEP = 0x9e3779
const HOST_STEP_INVERSE = inverseModulo(HOST_STEP)

/** All nodes have this port. */
export const NODE_PORT = 6881

/** A node is its index, in the order of ids. */
export class Population {
  readonly settings: MainlineSettings
  readonly #salt: number
  /** The first 32 bits of each id, in order. */
  readonly #prefixes: Uint32Array

  /** `salt`: an integer from the seed. */
  constructor(settings: MainlineSettings, salt: number) {
    this.settings = settings
    this.#salt = salt
    this.#prefixes = randomPrefixes(Math.min(HOSTS, Math.round(settings.alive / (1 - settings.dead))), salt)
  }

  /** All nodes, the dead ones included. */
  get size(): number {
    return this.#prefixes.length
  }

  isDead(node: number): boolean {
    return this.#chance(node, DEAD) < this.settings.dead
  }

  /** Whether it leaves get and put unanswered. */
  isMute(node: number): boolean {
    return this.#chance(node, MUTE) < this.settings.mute
  }

  keepsFirst(node: number): boolean {
    return this.#chance(node, KEEP_FIRST) < this.settings.keepFirst
  }

  /** In ms, without jitter. */
  roundTrip(node: number): number {
    return delayAt(this.settings.roundTrip, this.#chance(node, ROUND_TRIP), 0, 0)
  }

  /** Writes the id of the node, 20 bytes. */
  writeId(node: number, into: DataView, at: number): void {
    into.setUint32(at, this.#prefixes[node]!)
    for (let word = 1; word < 5; word++) into.setUint32(at + 4 * word, mix(node, word))
  }

  /** Its IPv4 address as a number. */
  hostOf(node: number): number {
    return FIRST_HOST + (Math.imul(node, HOST_STEP) & (HOSTS - 1))
  }

  /** The node at an IPv4 address. */
  nodeAt(host: number): number | undefined {
    const offset = host - FIRST_HOST
    if (offset < 0 || offset >= HOSTS) return undefined
    const node = Math.imul(offset, HOST_STEP_INVERSE) & (HOSTS - 1)
    return node < this.size ? node : undefined
  }

  /** The nodes that `of` names for a target, nearest first. `target`: the first 32 bits of it. */
  named(of: number, target: number): ReadonlyArray<number> {
    const { names } = this.settings
    const shared = Math.clz32(this.#prefixes[of]! ^ target)
    const known = shared < BITS ? this.#nearestFirst(this.#bucket(of, shared), target) : []
    if (known.length < names) {
      // All these share as many bits with the target.
      const deeper: Array<number> = []
      for (let bits = shared + 1; bits < Math.min(BITS, shared + MAX_DEEPER); bits++)
        deeper.push(...this.#bucket(of, bits))
      known.push(...this.#nearestFirst(deeper, target))
    }
    for (let bits = shared - 1; bits >= 0 && known.length < names; bits--) {
      known.push(...this.#nearestFirst(this.#bucket(of, bits), target))
    }
    return known.slice(0, names)
  }

  /** Of the nodes that are there and answer gets, the `count` truly nearest to a target, nearest first. */
  nearest(target: number, count: number): ReadonlyArray<number> {
    const answering = (bits: number) => {
      const [from, to] = this.#range(target, bits)
      const nodes: Array<number> = []
      for (let node = from; node < to; node++) if (!this.isDead(node) && !this.isMute(node)) nodes.push(node)
      return nodes
    }
    let bits = BITS - 1
    // The nodes within a prefix are nearer than all others.
    while (bits > 0 && answering(bits).length < count) bits--
    return this.#nearestFirst(answering(bits), target).slice(0, count)
  }

  /** The contacts of the node that share exactly `bits` bits with it. */
  #bucket(of: number, bits: number): Array<number> {
    const [from, to] = this.#range(this.#prefixes[of]! ^ (1 << (BITS - 1 - bits)), bits + 1)
    const size = to - from
    const known: Array<number> = []
    if (size <= BUCKET_SIZE) {
      for (let node = from; node < to; node++) {
        if (this.#chance(mix(of, node), KNOWN) < this.settings.knowledge) known.push(node)
      }
      return known
    }
    const salt = mix(of ^ this.#salt, bits)
    for (let i = 0; known.length < BUCKET_SIZE && i < 3 * BUCKET_SIZE; i++) {
      const node = from + (mix(salt, i) % size)
      if (!known.includes(node)) known.push(node)
    }
    return known
  }

  #nearestFirst(nodes: Array<number>, target: number): Array<number> {
    const prefixes = this.#prefixes
    return nodes.sort((a, b) => ((prefixes[a]! ^ target) >>> 0) - ((prefixes[b]! ^ target) >>> 0))
  }

  /** The nodes whose ids begin as this prefix does, to `bits` bits: from the first up to but not including the second. */
  #range(prefix: number, bits: number): readonly [number, number] {
    if (bits === 0) return [0, this.size]
    const width = 2 ** (BITS - bits)
    const from = Math.floor((prefix >>> 0) / width) * width
    return [this.#lowerBound(from), this.#lowerBound(from + width)]
  }

  /** The first node whose prefix is not below this one. */
  #lowerBound(prefix: number): number {
    const prefixes = this.#prefixes
    let low = 0
    let high = prefixes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (prefixes[middle]! < prefix) low = middle + 1
      else high = middle
    }
    return low
  }

  /** From 0 to 1, always the same for the same node and salt. */
  #chance(node: number, salt: number): number {
    return unit(mix(node ^ this.#salt, salt))
  }
}

/** So many random numbers of 32 bits, in order: their gaps are exponential, so that nothing must be sorted. */
const randomPrefixes = (count: number, salt: number): Uint32Array => {
  const gap = (i: number) => -Math.log(unit(mix(i, salt)))
  let sum = 0
  for (let i = 0; i <= count; i++) sum += gap(i)
  const scale = 2 ** BITS / sum
  const prefixes = new Uint32Array(count)
  let at = 0
  for (let i = 0; i < count; i++) {
    at += gap(i)
    prefixes[i] = at * scale
  }
  return prefixes
}

/** A number of 32 bits that looks random (the finalizer of MurmurHash3 over a mix of both). */
const mix = (a: number, b: number): number => {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Above 0 and below 1. */
const unit = (word: number): number => (word + 0.5) / 2 ** 32

/** The inverse of an odd number modulo 2^32, by Newton's iteration, each step of which doubles the right bits. */
function inverseModulo(odd: number): number {
  let inverse = odd
  for (let i = 0; i < 5; i++) inverse = Math.imul(inverse, 2 - Math.imul(odd, inverse))
  return inverse
}
