/**
 * Lookups in a network of 5,000 public nodes, without sockets, against an attacker who owns a few hosts and knows the target: at
 * least half of the true 20 nearest must be kept, for far fewer queries than a lookup may send.
 */
import { assert, describe, it } from "@effect/vitest"
import { addressNumber } from "../src/krpc/compactNodes.ts"
import { compareDistance, distancePrefix, ipv4, secureNodeId } from "../src/krpc/nodeId.ts"
import type { LookupStateOptions } from "../src/lookup/Choice.ts"
import { LookupState } from "../src/lookup/LookupState.ts"
import type { DhtAddress, DhtNode } from "../src/model.ts"
import { type Generator, makeGenerator } from "../src/testing/memory/generator.ts"

const K = 20
const HONEST = 5_000

const keyOf = ({ host, port }: DhtAddress) => addressNumber(ipv4(host)!, port)

/** A public address: the first byte is 11 to 99. */
const publicHost = ({ next }: Generator) =>
  `${11 + Math.floor(next() * 89)}.${Math.floor(next() * 256)}.${Math.floor(next() * 256)}.${1 + Math.floor(next() * 254)}`
const anyPort = ({ next }: Generator) => 1024 + Math.floor(next() * 60_000)

interface World {
  readonly generator: Generator
  readonly target: Uint8Array
  readonly byDistance: ReadonlyArray<DhtNode>
  /** A random id that agrees with the target in the first bytes. */
  readonly near: (bytes: number) => Uint8Array
}

const makeWorld = (seed: number, idAt: (host: string, random: Uint8Array) => Uint8Array = (_, id) => id): World => {
  const generator = makeGenerator(seed)
  const target = generator.bytes(20)
  const honest = Array.from({ length: HONEST }, () => {
    const host = publicHost(generator)
    return { id: idAt(host, generator.bytes(20)), host, port: anyPort(generator) }
  })
  const near = (bytes: number) => {
    const id = generator.bytes(20)
    id.set(target.subarray(0, bytes))
    return id
  }
  return { generator, target, near, byDistance: honest.sort((a, b) => compareDistance(target, a.id, b.id)) }
}

/** The nodes of an attacker and the nodes that each of them names. */
interface Attack {
  readonly sybils: ReadonlyArray<DhtNode>
  readonly names: (sybil: DhtNode) => ReadonlyArray<DhtNode>
}

const sybilsOn = ({ generator, near }: World, hosts: number, perHost = 8): Array<DhtNode> =>
  Array.from({ length: hosts }, () => publicHost(generator)).flatMap((host) =>
    Array.from({ length: perHost }, (_, i) => ({ id: near(5), host, port: 1000 + i })),
  )

/** Each sybil names 32 nodes nearer than itself that do not exist. */
const namingMadeUp = (world: World, sybils: ReadonlyArray<DhtNode>): Attack => {
  const { generator, near } = world
  const made = new Map(
    sybils.map((sybil) => [
      sybil,
      Array.from({ length: 32 }, () => ({ id: near(8), host: publicHost(generator), port: anyPort(generator) })),
    ]),
  )
  return { sybils, names: (sybil) => made.get(sybil)! }
}

const namingEachOther = (sybils: ReadonlyArray<DhtNode>): Attack => ({ sybils, names: () => sybils })

/** One lookup, as from a table of 20 honest nodes some way off. */
const lookUp = (
  { byDistance, target }: World,
  { names, sybils }: Attack,
  options: Partial<LookupStateOptions> = {},
) => {
  const rank = new Map(byDistance.map((node, i) => [keyOf(node), i]))
  const sybilAt = new Map(sybils.map((node) => [keyOf(node), node]))
  const state = new LookupState(target, { k: K, maxQueries: 256, ...options })
  for (const node of byDistance.slice(200, 220)) state.addNode(node)
  for (let candidate = state.next(); candidate !== undefined; candidate = state.finished ? undefined : state.next()) {
    const sybil = sybilAt.get(keyOf(candidate))
    const place = rank.get(keyOf(candidate))
    if (sybil !== undefined) state.answered(candidate, sybil.id, new Uint8Array(4), names(sybil))
    else if (place === undefined) {
      state.slow(candidate)
      state.lost(candidate)
    } else {
      // An honest node knows the nodes around it, and the sybils, which lie next to the target and answer.
      const known = byDistance.slice(Math.floor(place / 4), Math.floor(place / 4) + K)
      const named = place < 100 ? [...sybils.slice(0, 8), ...known.slice(0, 12)] : known
      state.answered(candidate, byDistance[place]!.id, new Uint8Array(4), named)
    }
  }
  const kept = state.closest.map(keyOf)
  const nearest = new Set(byDistance.slice(0, K).map(keyOf))
  return {
    asked: state.queries,
    kept: kept.filter((key) => nearest.has(key)).length,
    sybils: kept.filter((key) => sybilAt.has(key)).length,
  }
}

const SEEDS = [1, 2, 3, 4, 5]

/** At least this many of the true 20 are kept, and at most this many nodes asked, with every seed. */
const expectKept = (attack: (world: World) => Attack, kept: number, asked: number, secure?: typeof secureNodeId) => {
  for (const seed of SEEDS) {
    const world = makeWorld(seed, secure)
    const outcome = lookUp(world, attack(world))
    assert.isAtLeast(outcome.kept, kept, `seed ${seed}`)
    assert.isAtMost(outcome.asked, asked, `seed ${seed}`)
  }
}

describe("a lookup of a public target", () => {
  it("finds the true 20 when nobody attacks", () => {
    expectKept(() => namingEachOther([]), 20, 40)
  })

  it("keeps most of them with eight nodes of one host beside the target", () => {
    expectKept((world) => namingEachOther(sybilsOn(world, 1)), 18, 40)
  })

  it("keeps most of them when these name made-up nodes", () => {
    expectKept((world) => namingMadeUp(world, sybilsOn(world, 1)), 18, 50)
    expectKept((world) => namingMadeUp(world, sybilsOn(world, 2)), 17, 60)
  })

  it("keeps most of them with 24 nodes on three hosts", () => {
    expectKept((world) => namingEachOther(sybilsOn(world, 3)), 16, 50)
    expectKept((world) => namingMadeUp(world, sybilsOn(world, 3)), 16, 80)
  })

  it("keeps most of them with 24 nodes whose ids BEP 42 allows, among nodes without such ids", () => {
    expectKept(
      (world) =>
        namingMadeUp(
          world,
          sybilsOn(world, 3).map((node) => ({ ...node, id: secureNodeId(node.host, node.id) })),
        ),
      14,
      80,
    )
  })

  it("keeps all of them if they have ids that BEP 42 allows and the attacker's nodes do not", () => {
    expectKept((world) => namingMadeUp(world, sybilsOn(world, 3)), 20, 60, secureNodeId)
  })

  it("keeps most of them when the attacker's nodes name the honest ones under wrong ids", () => {
    expectKept(
      (world) => {
        const sybils = sybilsOn(world, 3)
        const nearest = world.byDistance.slice(0, K)
        return { sybils, names: () => nearest.map((node) => ({ ...node, id: world.near(8) })) }
      },
      16,
      60,
    )
    // Far away, so that they are not asked.
    expectKept(
      (world) => {
        const sybils = sybilsOn(world, 3)
        const far = world.target.map((byte) => 255 - byte)
        const nearest = world.byDistance.slice(0, K)
        return { sybils, names: () => nearest.map((node, i) => ({ ...node, id: far.with(19, i) })) }
      },
      16,
      60,
    )
  })

  it("keeps most of them when the attacker's nodes name other ports of the honest hosts", () => {
    expectKept(
      (world) => {
        const sybils = sybilsOn(world, 1)
        const hosts = world.byDistance.slice(0, K).map(({ host }) => host)
        const names = (sybil: DhtNode) =>
          Array.from({ length: 32 }, (_, i) => ({ id: world.near(8), host: hosts[i % K]!, port: sybil.port + i }))
        return { sybils, names }
      },
      18,
      60,
    )
  })
})

describe("a lookup in a network of private hosts, where an attacker may have any number of nodes", () => {
  const world = makeWorld(6)
  const options: Partial<LookupStateOptions> = { reachOf: () => "private" }
  const expectedDistance = () => distancePrefix(world.target, world.byDistance[K - 1]!.id)
  const sybils = sybilsOn(world, 1, 24)

  it("keeps the true 20 too, when 24 nodes are closer than nodes can be by chance", () => {
    assert.strictEqual(lookUp(world, namingEachOther(sybils), options).kept, 0)
    const outcome = lookUp(world, namingEachOther(sybils), { ...options, expectedDistance })
    assert.isAtLeast(outcome.kept, 19)
    assert.isAtMost(outcome.asked, 80)
  })

  it("asks no further nodes when nobody attacks", () => {
    const before = lookUp(world, namingEachOther([]), options)
    assert.deepStrictEqual(lookUp(world, namingEachOther([]), { ...options, expectedDistance }), before)
  })
})
