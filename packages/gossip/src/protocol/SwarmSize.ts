/**
 * An estimate of a swarm's size: of the names that shuffles bring, a node knows about as large a share as of the swarm. It is random, and
 * its inverse is right on average: where each node acts once in so many times, all together act as often as intended.
 */

/** Names before there is an estimate: those of one shuffle. */
const ENOUGH_NAMES = 8
/** Beyond so many names the older ones count half: a swarm grows and shrinks. */
const MAX_NAMES = 256
/**
 * Views of nodes that are near have peers in common, so a node of a larger swarm knows more of the names than of the swarm: of 100, 400 and
 * 1,000 nodes 1.6, 3.1 and 5.3 times as many (all nodes, after five minutes). That is as the root of the size from here on.
 */
const EVEN_SIZE = 40

export class SwarmSize {
  private names = 0
  /** The sum of the numbers of peers that were known when each name came. */
  private known = 0
  /** The names of peers that were known. */
  private repeats = 0

  /** A shuffle names a peer. `isKnown`: whether it is one of the `known` peers. */
  add(isKnown: boolean, known: number): void {
    if (this.names >= MAX_NAMES) {
      this.names /= 2
      this.known /= 2
      this.repeats /= 2
    }
    this.names++
    this.known += known
    if (isKnown) this.repeats++
  }

  /** The number of nodes in the swarm, this one included, of which `known` are known; undefined before a shuffle. */
  estimate(known: number): number | undefined {
    if (this.names < ENOUGH_NAMES) return undefined
    // With half a repeat more, none is not taken for a swarm without end.
    const even = Math.max(known, this.known / (this.repeats + 0.5))
    return Math.max(even, even ** 2 / EVEN_SIZE) + 1
  }
}
