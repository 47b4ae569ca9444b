/**
 * The public hosts whose nodes are silent in one lookup. A host has one place among the nearest, or two, so its nodes are asked one
 * after another: a host that is named with many ports on which nobody answers would keep a lookup waiting for each of them.
 */
import { MAX_NODES_PER_HOST } from "../krpc/nodeId.ts"
import { type Candidate, isGivenUp } from "./Candidate.ts"

/** Silent nodes of a host after which its others count as crowded: they are asked only if there are too few nodes of other hosts. */
const MAX_SILENT = 2

export class SilentHosts {
  /** The nodes of each host that are given up. */
  readonly #silent = new Map<number, number>()

  /** Gives the candidate its new state. */
  setState(candidate: Candidate, state: Candidate["state"]): void {
    const wasGivenUp = isGivenUp(candidate)
    candidate.state = state
    if (!candidate.isPublic || isGivenUp(candidate) === wasGivenUp) return
    this.#silent.set(candidate.ip, this.#of(candidate) + (wasGivenUp ? -1 : 1))
  }

  /** Whether other nodes go before this one, which has not been asked. */
  isCrowded(candidate: Candidate): boolean {
    return this.#has(candidate, MAX_SILENT)
  }

  /** Whether this one, which has not been asked, is not to be asked at all: a lookup asks eight nodes of a host. */
  isFull(candidate: Candidate): boolean {
    return this.#has(candidate, MAX_NODES_PER_HOST)
  }

  #has(candidate: Candidate, silent: number): boolean {
    return this.#silent.size > 0 && candidate.isPublic && candidate.state === "fresh" && this.#of(candidate) >= silent
  }

  #of({ ip }: Candidate): number {
    return this.#silent.get(ip) ?? 0
  }
}
