/**
 * Which of the nodes that a lookup knows are the nearest: by {@link compareRank}, spread over hosts and networks ({@link isCrowded}),
 * without names that only doubted sources gave ({@link NameSources}), and farther than an attacker's heap beside the target. It changes
 * nothing: `LookupState` owns the nodes.
 */
import { distancePrefix, ID_SPACE, type ReachOf } from "../krpc/nodeId.ts"
import { type Candidate, isCrowded, isGivenUp, isHostFull } from "./Candidate.ts"
import type { NameSources } from "./NameSources.ts"
import type { SilentHosts } from "./SilentHosts.ts"

export interface LookupStateOptions {
  /** The number of closest nodes that must have answered: 20 in mainline clients that store items, 8 in BEP 5. */
  readonly k: number
  /** The maximum number of queries, however many nodes the answers name. */
  readonly maxQueries: number
  /** Whether the nodes around the target are known, so that only nodes nearer than the k known ones are of interest. */
  readonly knowsNearest?: boolean
  /** See `HostRules`. */
  readonly reachOf?: ReachOf | undefined
  /** The distance in which k nodes are expected, as a `distancePrefix`; undefined if that is unknown. */
  readonly expectedDistance?: (() => number | undefined) | undefined
}

/**
 * If the k nearest are all nearer than this part of the distance in which k are expected, they are an attacker's: with random ids
 * that is as probable as finding 20 nodes where 5 are expected. Then the nodes up to the expected distance are asked too.
 */
const SUSPICIOUS_PART = 1 / 4

/** The nodes to wait for, in multiples of k, when the k nearest are suspicious. */
const EXTENDED = 3

/**
 * Silent nodes, as a part of k, beside which fewer than k answered ones are not all that there are: each node names the nearest that it knows,
 * and where half of them are silent, those are not enough.
 */
const MANY_SILENT_PART = 1 / 4

/** What is known in a lookup. */
export interface ChoiceParts {
  readonly target: Uint8Array
  readonly options: LookupStateOptions
  /** Nodes whose id is known, in the order of {@link compareRank}. */
  readonly candidates: ReadonlyArray<Candidate>
  readonly sources: NameSources
  readonly hosts: SilentHosts
}

export class Choice {
  readonly #parts: ChoiceParts

  constructor(parts: ChoiceParts) {
    this.#parts = parts
  }

  /**
   * The distance in which nodes may be hidden, as a `distancePrefix`: the answers named too many nodes of one host, nodes that are
   * suspiciously close, or too few that answer beside many silent ones. 0 if nothing seems to be hidden.
   */
  get hiddenWithin(): number {
    const answered = (candidate: Candidate) => candidate.state === "answered"
    const chosen = this.choose(answered)
    const { k } = this.#parts.options
    if (chosen.length >= EXTENDED * k) return 0
    const silent = this.#parts.candidates.filter(isGivenUp).length
    if (chosen.length < k && silent >= k * MANY_SILENT_PART) return this.#distanceOfMore(chosen)
    const extent = chosen.length < k ? 0 : this.#extent(chosen.slice(0, k))
    if (extent > 0) return extent
    const apart = chosen.filter((candidate, i) => !isCrowded(candidate, chosen.slice(0, i)))
    const hasCrowded = this.#parts.candidates.some(
      (one) => answered(one) && isCrowded(one, apart) && !apart.includes(one),
    )
    if (apart.length >= k || !hasCrowded) return 0
    return Math.max(0, ...apart.map((candidate) => this.#distanceOf(candidate)))
  }

  /** Twice the distance in which k nodes that answer are expected, when only these have answered: names of the nearer half are used up. */
  #distanceOfMore(answered: ReadonlyArray<Candidate>): number {
    const { expectedDistance, k } = this.#parts.options
    const farthest = Math.max(0, ...answered.map((candidate) => this.#distanceOf(candidate)))
    const spread = answered.length === 0 ? 0 : Math.min(ID_SPACE - 1, (2 * farthest * k) / answered.length)
    return Math.max(spread, expectedDistance?.() ?? 0)
  }

  /** Up to `count` nodes that answered or that we know ourselves, the farthest first: an attacker's nodes are near. */
  farthest(count: number): ReadonlyArray<Candidate> {
    const trusted = this.#parts.candidates.filter(
      ({ sources, state }) => state === "answered" || (state === "fresh" && sources === undefined),
    )
    return trusted.sort((a, b) => this.#distanceOf(b) - this.#distanceOf(a)).slice(0, count)
  }

  /** Whether only doubted sources named it, and it has not answered. */
  isDoubted(candidate: Candidate): boolean {
    return candidate.state !== "answered" && this.#parts.sources.isDoubtedName(candidate)
  }

  /**
   * The closest k of these candidates. Nodes of crowded hosts have a place only if there are too few others. Doubted names fill the first
   * `doubtedPlaces`, if there are very few others: then also honest nodes may have named mostly silent ones. If the k nearest are
   * suspiciously close, others within the expected distance follow.
   */
  choose(isEligible: (candidate: Candidate) => boolean, doubtedPlaces = this.#parts.options.k / 2): Array<Candidate> {
    const { k } = this.#parts.options
    const chosen: Array<Candidate> = []
    const crowded: Array<Candidate> = []
    const doubted: Array<Candidate> = []
    // Only lookups that have met a source of silent names pay for this.
    const places = this.#parts.sources.doubtedCount > 0 ? new Map<number, number>() : undefined
    let within = Number.POSITIVE_INFINITY
    for (const candidate of this.#parts.candidates) {
      if (chosen.length === EXTENDED * k) break
      if (!isEligible(candidate)) continue
      if (within < Number.POSITIVE_INFINITY && this.#distanceOf(candidate) >= within) continue
      if (this.isDoubted(candidate)) {
        if (doubted.length < k) doubted.push(candidate)
        continue
      }
      const isNamed = places !== undefined && candidate.state !== "answered"
      if (isNamed && !this.#parts.sources.takePlace(candidate, places)) continue
      if (!this.#parts.hosts.isCrowded(candidate) && !isCrowded(candidate, chosen)) chosen.push(candidate)
      else if (crowded.length < k && !this.#parts.hosts.isFull(candidate)) crowded.push(candidate)
      if (chosen.length !== k || within < Number.POSITIVE_INFINITY) continue
      within = this.#extent(chosen)
      if (within === 0) return chosen
    }
    for (const candidate of crowded) {
      if (chosen.length >= k) break
      if (!isHostFull(candidate, chosen)) chosen.push(candidate)
    }
    for (const candidate of doubted) {
      if (chosen.length >= doubtedPlaces) break
      chosen.push(candidate)
    }
    return chosen
  }

  /** The distance up to which nodes beyond the k nearest are asked too; 0 if none are. */
  #extent(nearest: ReadonlyArray<Candidate>): number {
    const expected = this.#parts.options.knowsNearest === true ? undefined : this.#parts.options.expectedDistance?.()
    if (expected === undefined) return 0
    // The last one is mostly the farthest.
    for (let i = nearest.length; i-- > 0; ) if (this.#distanceOf(nearest[i]!) >= expected * SUSPICIOUS_PART) return 0
    return expected
  }

  #distanceOf({ id }: Candidate): number {
    return distancePrefix(this.#parts.target, id!)
  }
}
