/**
 * A node of one lookup as plain data, its rank, and the rule that keeps one host or network from filling the places near a target.
 * mainline (Rust, 7.0.0) has the same rank and the same limit per host, so that its nodes and ours put to the same nodes.
 */
import { compareDistance, isPrivate, isSecureAt, MAX_NODES_PER_HOST, type ReachOf } from "../krpc/nodeId.ts"
import type { DhtAddress } from "../model.ts"

/** An id under which a node was named. */
export interface NamedId {
  id: Uint8Array | undefined
  /** The sources that named the node under this id; undefined if it is also known from elsewhere, as from our own table. */
  sources: Array<number> | undefined
}

/**
 * A node of this lookup. `fresh` → `asked` → `answered`, or `asked` → `late` → `slow` → `lost`; it may answer in each of these states,
 * and skip some.
 */
export interface Candidate extends DhtAddress, NamedId {
  state: "fresh" | "asked" | "late" | "slow" | "answered" | "lost"
  token: Uint8Array | undefined
  /** The IPv4 address as a number of 32 bits. */
  readonly ip: number
  readonly isPublic: boolean
  /** Whether BEP 42 allows the id at this address. A private host may have any id. */
  isSecure: boolean
  /** Other ids under which this address was named. */
  otherIds: Array<NamedId> | undefined
  /** The id under which it answered, if no source had named it so. */
  answeredAs: Uint8Array | undefined
  /** The source against which its silence was counted. */
  blamed: number | undefined
}

/** A fresh candidate. `ip` is its host as a number; the id is undefined if only the address is known. */
export const makeCandidate = (
  { host, port }: DhtAddress,
  ip: number,
  id: Uint8Array | undefined,
  source: number | undefined,
  reachOf: ReachOf | undefined,
): Candidate => {
  const isPublic = !isPrivate(ip, reachOf)
  return {
    host,
    port,
    ip,
    id,
    isPublic,
    isSecure: !isPublic || (id !== undefined && isSecureAt(id, ip)),
    sources: source === undefined ? undefined : [source],
    state: "fresh",
    token: undefined,
    otherIds: undefined,
    answeredAs: undefined,
    blamed: undefined,
  }
}

/** Gives the candidate this id. Its place in an ordered list may change. */
export const setId = (candidate: Candidate, id: Uint8Array): void => {
  candidate.id = id
  candidate.isSecure = !candidate.isPublic || isSecureAt(id, candidate.ip)
}

/** Negative if `a` goes before `b`: ids that BEP 42 allows go first, then the nearer one. Both have an id. */
export const compareRank = (target: Uint8Array, a: Candidate, b: Candidate): number =>
  a.isSecure === b.isSecure ? compareDistance(target, a.id!, b.id!) : a.isSecure ? -1 : 1

/** A query to it takes too long, or it is lost: the lookup goes on as if it were not there. */
export const isGivenUp = ({ state }: Candidate): boolean => state === "slow" || state === "lost"

/** It is neither given up nor late. */
export const isPrompt = (candidate: Candidate): boolean => candidate.state !== "late" && !isGivenUp(candidate)

/**
 * The nodes of one network of 256 public addresses among the nearest. Two honest ones are hardly ever among 20 of millions of nodes;
 * libtorrent allows one (`dht_restrict_search_ips`).
 */
const MAX_NODES_PER_NETWORK = 2

/**
 * Whether the candidate is one too many beside these nodes of higher rank: a public host has one place, or several under ids that
 * BEP 42 allows and that differ in the 21 bits from the address; a network has two.
 */
export const isCrowded = (candidate: Candidate, before: ReadonlyArray<Candidate>): boolean => {
  if (!candidate.isPublic) return false
  const network = candidate.ip >>> 8
  let inNetwork = 0
  for (const other of before) {
    if (other.ip >>> 8 !== network || !other.isPublic) continue
    if (++inNetwork === MAX_NODES_PER_NETWORK) return true
    if (other.ip === candidate.ip && (!other.isSecure || sharesPrefix(other.id!, candidate.id!))) return true
  }
  return false
}

/** Whether the public host of the candidate has as many of these nodes as a lookup asks of one host. */
export const isHostFull = (candidate: Candidate, chosen: ReadonlyArray<Candidate>): boolean => {
  if (!candidate.isPublic) return false
  let onHost = 0
  for (const { ip } of chosen) if (ip === candidate.ip) onHost++
  return onHost >= MAX_NODES_PER_HOST
}

/** Whether the ids agree in the 21 bits that BEP 42 derives from the address. */
const sharesPrefix = (a: Uint8Array, b: Uint8Array): boolean =>
  a[0] === b[0] && a[1] === b[1] && ((a[2]! ^ b[2]!) & 0xf8) === 0
