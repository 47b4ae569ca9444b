/**
 * Who is whose neighbour, from what the topics themselves tell, and what follows from it: how many bubbles there are, and
 * since when all nodes are one swarm. A link counts when both ends see it.
 */
export class Swarm {
  /** By node, its neighbours; undefined for nodes that are not there, or gone. */
  private readonly neighbors: Array<Set<number> | undefined> = []
  private online = 0
  private ups = 0
  private dirty = true
  private counted = 0

  add(node: number): void {
    this.neighbors[node] = new Set()
    this.online++
    this.dirty = true
  }

  /** The node is gone, with whatever it knew. */
  remove(node: number): void {
    if (this.neighbors[node] === undefined) return
    this.neighbors[node] = undefined
    this.online--
    this.dirty = true
  }

  up(node: number, peer: number): void {
    this.neighbors[node]?.add(peer)
    this.ups++
    this.dirty = true
  }

  down(node: number, peer: number): void {
    this.neighbors[node]?.delete(peer)
    this.dirty = true
  }

  /** How often a node got a neighbour, over all nodes that ever were. */
  get newNeighbors(): number {
    return this.ups
  }

  get size(): number {
    return this.online
  }

  has(node: number): boolean {
    return this.neighbors[node] !== undefined
  }

  /** The nodes that are there. */
  nodes(): Array<number> {
    const nodes: Array<number> = []
    for (const [node, peers] of this.neighbors.entries()) if (peers !== undefined) nodes.push(node)
    return nodes
  }

  /** How many neighbours each node has. */
  degrees(): Array<number> {
    return this.neighbors.flatMap((peers) => (peers === undefined ? [] : [peers.size]))
  }

  /** Each link once. */
  links(): Array<readonly [number, number]> {
    const links: Array<readonly [number, number]> = []
    for (const [node, peers] of this.neighbors.entries()) {
      for (const peer of peers ?? []) if (node < peer && this.neighbors[peer]?.has(node)) links.push([node, peer])
    }
    return links
  }

  /** How many groups there are within which nodes reach each other; a lonely node is one. */
  bubbles(): number {
    if (this.dirty) {
      this.counted = this.count()
      this.dirty = false
    }
    return this.counted
  }

  private count(): number {
    const { neighbors } = this
    const parents = Int32Array.from(neighbors, (_, node) => node)
    const root = (node: number): number => {
      let at = node
      while (parents[at]! !== at) {
        parents[at] = parents[parents[at]!]!
        at = parents[at]!
      }
      return at
    }
    let bubbles = this.online
    for (const [node, peers] of neighbors.entries()) {
      if (peers === undefined) continue
      for (const peer of peers) {
        if (peer < node || neighbors[peer]?.has(node) !== true) continue
        const [a, b] = [root(node), root(peer)]
        if (a === b) continue
        parents[a] = b
        bubbles--
      }
    }
    return bubbles
  }
}
