/**
 * The items that others put here, bounded in number, in age, and for each host and network. When it is full, the item farthest from
 * our own id leaves: the nodes nearest to a target are the ones that are asked for it, and an attacker cannot choose distances as
 * cheaply as times. It does not know what an item means. Times are in ms.
 */
import { bytesKey, compareDistance, ipv4, type ReachOf } from "../krpc/nodeId.ts"

/** Items of one public host, and of one network of 256 public addresses. */
const MAX_ITEMS_PER_HOST = 50
const MAX_ITEMS_PER_NETWORK = 200

/** A private host, behind which there may be many nodes, has this many times the share of a public one. */
const PRIVATE_SHARE = 10

interface Entry<Item> {
  item: Item
  readonly target: Uint8Array
  expiresAt: number
  /** The host that put it first, and its network: a host that puts it again must not become able to push it out. */
  readonly host: string
  readonly network: string
}

export interface ItemStoreOptions {
  /** Our node id. */
  readonly id: () => Uint8Array
  readonly maxItems: number
  readonly reachOf: ReachOf
}

export class ItemStore<Item> {
  /** Items refused or dropped because there was no room. */
  dropped = 0
  readonly #options: ItemStoreOptions
  /** In the order of the first put. */
  readonly #entries = new Map<string, Entry<Item>>()
  readonly #hosts = new Map<string, number>()
  readonly #networks = new Map<string, number>()

  constructor(options: ItemStoreOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  /** The item of the target; undefined if there is none or its time is over. */
  get(target: Uint8Array, now: number): Item | undefined {
    const key = bytesKey(target)
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.expiresAt > now) return entry?.item
    this.#remove(key, entry)
    return undefined
  }

  /** Stores an item of the host until `expiresAt`. Returns false if the items that are stored have the better right to their places. */
  set(target: Uint8Array, item: Item, host: string, expiresAt: number, now: number): boolean {
    const key = bytesKey(target)
    const held = this.#entries.get(key)
    if (held !== undefined) {
      held.item = item
      held.expiresAt = expiresAt
      return true
    }
    if (this.#entries.size >= this.#options.maxItems) this.#removeExpired(now)
    if (!this.#makeRoom(target, host)) {
      this.dropped++
      return false
    }
    const network = networkOf(host)
    this.#entries.set(key, { item, target, expiresAt, host, network })
    count(this.#hosts, host, 1)
    count(this.#networks, network, 1)
    return true
  }

  #makeRoom(target: Uint8Array, host: string): boolean {
    const network = networkOf(host)
    const most = this.#shareOf(host)
    if ((this.#hosts.get(host) ?? 0) >= most.ofHost) this.#dropOldest((entry) => entry.host === host)
    else if ((this.#networks.get(network) ?? 0) >= most.ofNetwork)
      this.#dropOldest((entry) => entry.network === network)
    if (this.#entries.size < this.#options.maxItems) return true
    const [key, farthest] = this.#farthest()
    if (compareDistance(this.#options.id(), farthest.target, target) <= 0) return false
    this.#drop(key, farthest)
    return true
  }

  #shareOf(host: string): { readonly ofHost: number; readonly ofNetwork: number } {
    const address = ipv4(host)
    const reach = address === undefined ? "public" : this.#options.reachOf(address)
    const unlimited = Number.POSITIVE_INFINITY
    if (reach === "loopback") return { ofHost: unlimited, ofNetwork: unlimited }
    if (reach === "private" || reach === "link-local")
      return { ofHost: PRIVATE_SHARE * MAX_ITEMS_PER_HOST, ofNetwork: unlimited }
    return { ofHost: MAX_ITEMS_PER_HOST, ofNetwork: MAX_ITEMS_PER_NETWORK }
  }

  #dropOldest(isOne: (entry: Entry<Item>) => boolean): void {
    for (const [key, entry] of this.#entries) {
      if (!isOne(entry)) continue
      this.#drop(key, entry)
      return
    }
  }

  #farthest(): readonly [string, Entry<Item>] {
    const id = this.#options.id()
    let farthest: readonly [string, Entry<Item>] | undefined
    for (const entry of this.#entries)
      if (farthest === undefined || compareDistance(id, entry[1].target, farthest[1].target) > 0) farthest = entry
    return farthest!
  }

  #removeExpired(now: number): void {
    for (const [key, entry] of this.#entries) if (entry.expiresAt <= now) this.#remove(key, entry)
  }

  #drop(key: string, entry: Entry<Item>): void {
    this.dropped++
    this.#remove(key, entry)
  }

  #remove(key: string, { host, network }: Entry<Item>): void {
    this.#entries.delete(key)
    count(this.#hosts, host, -1)
    count(this.#networks, network, -1)
  }
}

/** The first three numbers of a dotted address. */
const networkOf = (host: string): string => host.slice(0, host.lastIndexOf("."))

const count = (counts: Map<string, number>, name: string, by: number): void => {
  const now = (counts.get(name) ?? 0) + by
  if (now > 0) counts.set(name, now)
  else counts.delete(name)
}
