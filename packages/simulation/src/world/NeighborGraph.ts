/**
 * The neighbours of each node, as the topics report them, and the number of connected components, which follows from them.
 * One component means that all nodes are one swarm. A link counts if both ends report it.
 *
 * A forest (union-find) follows each new link. A link that goes makes it too coarse: it then has as many trees as there are components,
 * or fewer, so as long as it has several, nodes are not one swarm, and nothing needs to be counted anew.
 */
export class NeighborGraph {
  /** The neighbours of each node, by index; undefined for a node that has not started or has left. */
  readonly #neighbors: Array<Set<number> | undefined> = []
  #size = 0
  #newNeighbors = 0
  /** For each node the next one on the way to its tree's root; for each root the nodes of its tree that are there. */
  readonly #parents: Array<number> = []
  readonly #sizes: Array<number> = []
  #trees = 0
  /** Whether the trees are the components. */
  #isExact = true

  addNode(node: number): void {
    this.#neighbors[node] = new Set()
    this.#size++
    // The root of others' tree cannot become a tree of its own.
    if (this.#parents[node] !== undefined) this.#rebuild()
    else {
      this.#parents[node] = node
      this.#sizes[node] = 1
      this.#trees++
    }
  }

  /** Removes the node and its links. Later reports of it are ignored. */
  removeNode(node: number): void {
    if (this.#neighbors[node] === undefined) return
    const root = this.#rootOf(node)
    if (--this.#sizes[root]! === 0) this.#trees--
    else this.#isExact = false
    this.#neighbors[node] = undefined
    this.#size--
  }

  /** The node reports a new neighbour. */
  addNeighbor(node: number, peer: number): void {
    this.#neighbors[node]?.add(peer)
    this.#newNeighbors++
    if (this.#isLinked(node, peer)) this.#unite(node, peer)
  }

  /** The node reports that a neighbour is gone. */
  removeNeighbor(node: number, peer: number): void {
    if (this.#isLinked(node, peer)) this.#isExact = false
    this.#neighbors[node]?.delete(peer)
  }

  /** The number of new neighbours that were reported, also by nodes that have left. */
  get newNeighbors(): number {
    return this.#newNeighbors
  }

  /** The number of nodes now. */
  get size(): number {
    return this.#size
  }

  has(node: number): boolean {
    return this.#neighbors[node] !== undefined
  }

  /** The nodes that are there now. */
  nodes(): Array<number> {
    const nodes: Array<number> = []
    for (const [node, peers] of this.#neighbors.entries()) if (peers !== undefined) nodes.push(node)
    return nodes
  }

  /** The number of neighbours of each node. */
  degrees(): Array<number> {
    return this.#neighbors.flatMap((peers) => (peers === undefined ? [] : [peers.size]))
  }

  /** Each link once. */
  links(): Array<readonly [number, number]> {
    const links: Array<readonly [number, number]> = []
    for (const [node, peers] of this.#neighbors.entries()) {
      for (const peer of peers ?? []) if (node < peer && this.#neighbors[peer]?.has(node)) links.push([node, peer])
    }
    return links
  }

  /** The number of connected components (the figures call them bubbles). A node without neighbours is one. */
  components(): number {
    if (!this.#isExact) this.#rebuild()
    return this.#trees
  }

  /** Whether all nodes are one component. Cheaper than counting them. */
  isOne(): boolean {
    return this.#trees === 1 && this.components() === 1
  }

  #isLinked(node: number, peer: number): boolean {
    return this.#neighbors[node]?.has(peer) === true && this.#neighbors[peer]?.has(node) === true
  }

  /** The forest of the links that are there. */
  #rebuild(): void {
    for (const [node, peers] of this.#neighbors.entries()) {
      this.#parents[node] = node
      this.#sizes[node] = peers === undefined ? 0 : 1
    }
    this.#trees = this.#size
    this.#isExact = true
    for (const [node, peers] of this.#neighbors.entries()) {
      if (peers === undefined) continue
      for (const peer of peers) if (peer > node && this.#neighbors[peer]?.has(node) === true) this.#unite(node, peer)
    }
  }

  #rootOf(node: number): number {
    const parents = this.#parents
    let at = node
    while (parents[at]! !== at) {
      parents[at] = parents[parents[at]!]!
      at = parents[at]!
    }
    return at
  }

  /** The two trees become one; the smaller one goes below the larger one. */
  #unite(node: number, peer: number): void {
    const [a, b] = [this.#rootOf(node), this.#rootOf(peer)]
    if (a === b) return
    const [low, high] = this.#sizes[a]! < this.#sizes[b]! ? [a, b] : [b, a]
    this.#parents[low] = high
    this.#sizes[high]! += this.#sizes[low]!
    this.#trees--
  }
}
