/**
 * The sources of one lookup: the hosts whose answers name nodes. A source whose names are mostly silent loses its credit, because
 * names cost nothing to make up, and each one costs the lookup a query and the time until it is given up. It knows numbers only.
 */
import { addressNumber } from "../krpc/compactNodes.ts"
import type { Candidate, NamedId } from "./Candidate.ts"

interface Count {
  readonly silent: number
  readonly answered: number
}

const NO_NAMES: Count = { silent: 0, answered: 0 }

/**
 * Silent names after which a poor source is doubted. A source is poor unless a third of its names have answered: in a network where
 * half of the nodes are dead, an honest node names many of those.
 */
const MAX_SILENT = 8

/**
 * When the poor sources of a private host have named so many silent nodes together, and more than nodes have answered that sources of the host
 * named, all poor ones are doubted: they may be one attacker's. In a network of one host where half of the nodes are silent, an honest
 * node may happen to be the first to name some of those, and none that answers.
 */
const MAX_SILENT_OF_HOST = 16

/** Sources remembered for one name. Attackers that name the same nodes are blamed one after another. */
const MAX_SOURCES_PER_NAME = 4

/** Nodes of earlier runs have this source: they may be gone, or made up. No node has the address 0.0.0.0. */
export const EARLIER_RUNS = 0

/** The source of names in an answer: a public host, or one node of a private host, which many nodes may share. */
export const sourceOf = ({ ip, isPublic, port }: Candidate): number => (isPublic ? ip : addressNumber(ip, port))

/** The host of a source. No private host begins with 0, so that the numbers of its nodes have more than 32 bits. */
const hostOf = (source: number): number => (source < 2 ** 32 ? source : Math.floor(source / 2 ** 16))

export class NameSources {
  readonly #counts = new Map<number, Count>()
  readonly #doubted = new Set<number>()
  /** The silent names of each host's poor sources. */
  readonly #silentOf = new Map<number, number>()
  /** The names of each host's sources that have answered. */
  readonly #answeredOf = new Map<number, number>()

  /** The number of doubted sources. */
  get doubtedCount(): number {
    return this.#doubted.size
  }

  isDoubted(source: number | undefined): boolean {
    return source !== undefined && this.#doubted.has(source)
  }

  /** Whether only doubted sources named it. */
  isDoubtedName({ sources }: NamedId): boolean {
    return this.#doubted.size > 0 && sources !== undefined && sources.every((source) => this.#doubted.has(source))
  }

  /** One more source names it; undefined if it is known from elsewhere. Returns whether the name was doubted before. */
  addSource(name: NamedId, source: number | undefined): boolean {
    const { sources } = name
    if (sources === undefined || (source !== undefined && sources.includes(source))) return false
    const wasDoubted = this.isDoubtedName(name)
    if (source === undefined) name.sources = undefined
    else if (sources.length < MAX_SOURCES_PER_NAME) sources.push(source)
    else if (wasDoubted) sources[0] = source
    return wasDoubted
  }

  /** The candidate is silent, or has another id than the source named. Returns whether its source is now doubted. */
  countSilent(candidate: Candidate): boolean {
    if (candidate.blamed !== undefined) return false
    const source = this.#trustedSource(candidate)
    if (source === undefined) return false
    candidate.blamed = source
    const silent = poorSilent(this.#change(source, 1, 0))
    if (silent === 0) return false
    const host = hostOf(source)
    if (this.#isPoorHost(host)) this.#doubtPoorOf(host)
    else if (silent >= MAX_SILENT) this.#doubted.add(source)
    return this.#doubted.has(source)
  }

  #doubtPoorOf(host: number): void {
    for (const [source, count] of this.#counts) {
      if (hostOf(source) === host && poorSilent(count) > 0) this.#doubted.add(source)
    }
  }

  /**
   * The candidate answered, perhaps after its silence was counted. If late answers show that its source is not poor, the source is
   * trusted again: on a busy machine many answers are late.
   */
  countAnswered(candidate: Candidate): void {
    const source = candidate.blamed ?? this.#trustedSource(candidate)
    if (source === undefined) return
    const count = this.#change(source, candidate.blamed === undefined ? 0 : -1, 1)
    candidate.blamed = undefined
    if (poorSilent(count) === 0) this.#doubted.delete(source)
  }

  /**
   * Counts an open or coming query to the candidate in `places`, as one to a name of its source. Returns false if the source has as
   * many as it may leave unanswered before it is doubted: an answer names 32 nodes, which would fill all open queries.
   */
  takePlace(candidate: Candidate, places: Map<number, number>): boolean {
    const source = this.#trustedSource(candidate)
    if (source === undefined) return true
    const taken = (places.get(source) ?? 0) + 1
    const { answered, silent } = this.#counts.get(source) ?? NO_NAMES
    const allowed = this.#isPoorHost(hostOf(source)) ? 1 : MAX_SILENT
    if (taken > allowed + 2 * answered - silent) return false
    places.set(source, taken)
    return true
  }

  #isPoorHost(host: number): boolean {
    return (this.#silentOf.get(host) ?? 0) >= Math.max(MAX_SILENT_OF_HOST, this.#answeredOf.get(host) ?? 0)
  }

  #trustedSource({ sources }: NamedId): number | undefined {
    return sources?.find((source) => !this.#doubted.has(source))
  }

  #change(source: number, silent: number, answered: number): Count {
    const before = this.#counts.get(source)
    const count = { silent: (before?.silent ?? 0) + silent, answered: (before?.answered ?? 0) + answered }
    this.#counts.set(source, count)
    const host = hostOf(source)
    const more = poorSilent(count) - (before === undefined ? 0 : poorSilent(before))
    this.#silentOf.set(host, (this.#silentOf.get(host) ?? 0) + more)
    if (answered > 0) this.#answeredOf.set(host, (this.#answeredOf.get(host) ?? 0) + answered)
    return count
  }
}

/** The silent names of a poor source; 0 of another one. */
const poorSilent = ({ answered, silent }: Count): number => (silent > 2 * answered ? silent : 0)
