/**
 * The neighbours of each node, as the topics report them, and the number of connected components, which follows from them.
 * One component means that all nodes are one swarm. A link counts if both ends report it.
 */
export class NeighborGraph {
  /** The neighbours of each node, by index; undefined for a node that has not started or has left. */
  readonly #neighbors: Array<Set<number> | undefined> = []
  #size = 0
  #newNeighbors = 0
  #components: number | undefined

  addNode(node: number): void {
    this.#neighbors[node] = new Set()
    this.#size++
    this.#components = undefined
  }

  /** Removes the node and its links. Later reports of it are ignored. */
  removeNode(node: number): void {
    if (this.#neighbors[node] === undefined) return
    this.#neighbors[node] = undefined
    this.#size--
    this.#components = undefined
  }

  /** The node reports a new neighbour. */
  addNeighbor(node: number, peer: number): void {
    this.#neighbors[node]?.add(peer)
    this.#newNeighbors++
    this.#components = undefined
  }

  /** The node reports that a neighbour is gone. */
  removeNeighbor(node: number, peer: number): void {
    this.#neighbors[node]?.delete(peer)
    this.#components = undefined
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
    this.#components ??= this.#countComponents()
    return this.#components
  }

  /** Union-find over all links. */
  #countComponents(): number {
    const neighbors = this.#neighbors
    const parents = Int32Array.from(neighbors, (_, node) => node)
    const root = (node: number): number => {
      let at = node
      while (parents[at]! !== at) {
        parents[at] = parents[parents[at]!]!
        at = parents[at]!
      }
      return at
    }
    let components = this.#size
    for (const [node, peers] of neighbors.entries()) {
      if (peers === undefined) continue
      for (const peer of peers) {
        if (peer < node || neighbors[peer]?.has(node) !== true) continue
        const [a, b] = [root(node), root(peer)]
        if (a === b) continue
        parents[a] = b
        components--
      }
    }
    return components
  }
}
