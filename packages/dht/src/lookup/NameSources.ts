/**
 * The sources of one lookup: the hosts whose answers name nodes. A source whose names are mostly silent loses its credit, because
 * names cost nothing to make up, and each one costs the lookup a query and the time until it is given up. It knows numbers only.
 */
import { addressNumber } from "../krpc/compactNodes.ts"
import type { Candidate, NamedId } from "./Candidate.ts"

interface Count {
  silent: number
  answered: number
}

/**
 * Silent names after which a source is doubted, unless a third of its names have answered: in a network where half of the nodes
 * are dead, an honest node names many of those. Each doubted source of a private host halves the number for the other ones there.
 */
const MAX_SILENT = 8

/** Sources remembered for one name. Attackers that name the same nodes are blamed one after another. */
const MAX_SOURCES_PER_NAME = 4

/** The source of names in an answer: a public host, or one node of a private host, which many nodes may share. */
export const sourceOf = ({ ip, isPublic, port }: Candidate): number => (isPublic ? ip : addressNumber(ip, port))

/** The host of a source. No private host begins with 0, so that the numbers of its nodes have more than 32 bits. */
const hostOf = (source: number): number => (source < 2 ** 32 ? source : Math.floor(source / 2 ** 16))

export class NameSources {
  readonly #counts = new Map<number, Count>()
  readonly #doubted = new Set<number>()
  /** The number of doubted sources on each host. */
  readonly #doubtedOn = new Map<number, number>()

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
    const count = this.#countOf(source)
    count.silent++
    const host = hostOf(source)
    const doubtedThere = this.#doubtedOn.get(host) ?? 0
    if (count.silent < MAX_SILENT / 2 ** doubtedThere || count.silent <= 2 * count.answered) return false
    this.#doubted.add(source)
    this.#doubtedOn.set(host, doubtedThere + 1)
    return true
  }

  /** The candidate answered, perhaps after its silence was counted. */
  countAnswered(candidate: Candidate): void {
    const source = candidate.blamed ?? this.#trustedSource(candidate)
    if (source === undefined) return
    const count = this.#countOf(source)
    count.answered++
    if (candidate.blamed !== undefined) count.silent--
    candidate.blamed = undefined
  }

  #trustedSource({ sources }: NamedId): number | undefined {
    return sources?.find((source) => !this.#doubted.has(source))
  }

  #countOf(source: number): Count {
    let count = this.#counts.get(source)
    if (count === undefined) {
      count = { silent: 0, answered: 0 }
      this.#counts.set(source, count)
    }
    return count
  }
}
