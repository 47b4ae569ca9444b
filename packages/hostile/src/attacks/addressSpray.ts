/**
 * A stranger names a peer and, again and again, other addresses of it, so that the victim sends handshakes to a host of the attacker's
 * choice. And it names addresses that no peer can have, to reach what only the victim can reach.
 */
import { randomInt } from "node:crypto"
import { createServer } from "node:net"
import { Effect } from "effect"
import { endpointKey, forwardJoin, neighbor, peerData } from "../attacker/frames.ts"
import { keepWriting } from "../attacker/keepWriting.ts"
import { type Attack, atMost, attempt } from "../harness/Attack.ts"
import { joinAll, type Member, startMember, startTestnet } from "../harness/members.ts"
import { nft, PUBLIC_ADDRESS } from "../harness/namespace.ts"
import { startVictim } from "../harness/Victim.ts"

const TOPIC = "addresses"
/** The host that shall be flooded. */
const FLOODED = "127.77.7.7"
const ADDRESSES_PER_MESSAGE = 16
const TICK_MS = 50

/** Addresses that no peer of a public node has. */
const FORBIDDEN = [
  "127.0.0.99",
  "192.168.77.1",
  "10.77.0.1",
  "169.254.7.7",
  "224.0.0.251",
  "255.255.255.255",
  "0.0.0.0",
]

const TABLE = "inet hostile"

/** Counts UDP packets to a host: bytes, and distinct ports. */
const countTo = (name: string, hosts: string) => {
  nft(`add counter ${TABLE} ${name}`)
  nft(`add set ${TABLE} ${name}_seen { type ipv4_addr . inet_service; flags dynamic; size 65535; }`)
  nft(
    `add rule ${TABLE} out meta l4proto udp ip daddr ${hosts} counter name ${name} add @${name}_seen { ip daddr . udp dport }`,
  )
}

const bytesOf = (name: string): number =>
  Number(/bytes (\d+)/.exec(nft(`list counter ${TABLE} ${name}`))?.[1] ?? Number.NaN)

const seenBy = (name: string): number =>
  (nft(`list set ${TABLE} ${name}_seen`).match(/\d+\.\d+\.\d+\.\d+ \. \d+/g) ?? []).length

const spray = (target: Member, topic: string, next: () => Buffer, forMs: number) =>
  Effect.timeoutOption(
    keepWriting({
      target,
      topic,
      first: () => neighbor("high"),
      next,
      everyMs: TICK_MS,
      newKeys: true,
      host: "0.0.0.0",
    }),
    forMs,
  )

export const addressSpray: Attack = {
  name: "address-spray",
  about: "a stranger names addresses of hosts that it wants flooded or reached",
  needsNamespace: true,
  run: Effect.fnUntraced(function* (scale) {
    const forMs = scale.pick(12_000, 4_000)
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        nft(`add table ${TABLE}`)
        nft(`add chain ${TABLE} out { type filter hook output priority 0; }`)
        countTo("one_name", "127.77.7.7")
        countTo("many_names", "127.78.0.0/16")
        countTo("forbidden", `{ ${FORBIDDEN.filter((host) => host !== "0.0.0.0").join(", ")} }`)
      }),
      () => Effect.sync(() => nft(`delete table ${TABLE}`)),
    )
    const bootstrap = yield* startTestnet()
    const members: Array<Member> = []
    for (let i = 0; i < 2; i++) members.push(yield* startMember(yield* startVictim(), { bootstrap }))
    yield* joinAll(members, TOPIC)
    const victim = members[0]!
    const one = endpointKey()
    const addresses = (host: () => string) =>
      peerData(Array.from({ length: ADDRESSES_PER_MESSAGE }, () => `${host()}:${randomInt(1_024, 65_000)}`))
    yield* spray(victim, TOPIC, () => forwardJoin({ id: one, data: addresses(() => FLOODED) }, 0), forMs)
    yield* spray(
      victim,
      TOPIC,
      () =>
        forwardJoin(
          { id: endpointKey(), data: addresses(() => `127.78.${randomInt(1, 250)}.${randomInt(1, 250)}`) },
          0,
        ),
      forMs,
    )

    // A public node: it has no business at private addresses, nor at its own loopback.
    const dht = yield* startVictim()
    const publicDht = yield* dht.call("startDhtNodes", {
      nodes: 6,
      hosts: Array.from({ length: 6 }, (_, i) => `5.${30 + i}.1.1`),
    })
    const open: Array<Member> = []
    for (let i = 0; i < 2; i++) {
      open.push(
        yield* startMember(yield* startVictim(), { bootstrap: publicDht, dhtHost: `5.4${i}.1.1`, relays: "public" }),
      )
    }
    yield* joinAll(open, TOPIC)
    let relayRequests = 0
    const server = yield* Effect.acquireRelease(
      attempt(
        "the service on loopback",
        () =>
          new Promise<ReturnType<typeof createServer>>((resolve) => {
            const made = createServer((socket) => {
              relayRequests++
              socket.destroy()
            })
            made.listen(0, "127.0.0.1", () => resolve(made))
          }),
      ),
      (made) => Effect.sync(() => made.close()),
    )
    const bound = server.address()
    const relay = `http://127.0.0.1:${typeof bound === "object" && bound !== null ? bound.port : 0}/`
    const reachable: Member = {
      ...open[0]!,
      addresses: open[0]!.addresses.filter((address) => address.startsWith(PUBLIC_ADDRESS)),
    }
    yield* spray(
      reachable,
      TOPIC,
      () =>
        forwardJoin(
          {
            id: endpointKey(),
            data: peerData(
              FORBIDDEN.map((host) => `${host}:${randomInt(1_024, 65_000)}`),
              relay,
            ),
          },
          0,
        ),
      forMs,
    )
    yield* Effect.sleep(1_000)
    const seconds = forMs / 1_000
    return [
      atMost("1 name: ports", seenBy("one_name"), "", 32),
      atMost("1 name: sent", bytesOf("one_name") / 1_000 / seconds, "KB/s", 100),
      atMost("names: ports", seenBy("many_names") / seconds, "/s", 256),
      atMost("forbidden: sent", bytesOf("forbidden") / 1_000, "KB", 0),
      atMost("local requests", relayRequests, "", 0),
    ]
  }),
}
