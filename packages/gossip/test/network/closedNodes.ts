/**
 * A process whose nodes join a topic and close, several times, while the program keeps their services. It prints as JSON how many UDP
 * sockets it had while the nodes were open and after each close. Linux only.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { Crypto, type EndpointId, Identity, TopicId } from "@topic-tracker/crypto"
import { Context, Effect, Layer } from "effect"
import { AddressLookup, type EndpointAddress, Gossip } from "../../src/index.ts"

const udpSockets = (): number => {
  const inodes = new Set<string>()
  for (const table of ["udp", "udp6"]) {
    const [, ...lines] = readFileSync(`/proc/self/net/${table}`, "utf8").split("\n")
    for (const line of lines) inodes.add(line.trim().split(/\s+/)[9] ?? "")
  }
  const targetOf = (descriptor: string): string => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`)
    } catch {
      return "" // the descriptor of the directory itself
    }
  }
  return readdirSync("/proc/self/fd").filter((descriptor) =>
    inodes.has(/^socket:\[(\d+)\]$/.exec(targetOf(descriptor))?.[1] ?? "none"),
  ).length
}

/** The objects that a program may keep for longer than its scope. */
const kept: Array<unknown> = []
const addresses = new Map<EndpointId.EndpointId, EndpointAddress>()
const topic = TopicId.fromName("closed nodes")

const node = Effect.fnUntraced(function* (bind: string) {
  const layer = Gossip.layerIroh({ bind }).pipe(
    Layer.provide(AddressLookup.layerShared(addresses)),
    Layer.provide(Identity.layerRandom()),
    Layer.provide(Crypto.layer()),
  )
  return Context.get(yield* Layer.build(layer), Gossip)
})

let fixedPort = "127.0.0.1:0"
const joined = Effect.gen(function* () {
  const [first, second] = [yield* node(fixedPort), yield* node("127.0.0.1:0")]
  const address = yield* first.address
  fixedPort = address.direct.find((each) => each.startsWith("127."))!
  addresses.set(first.endpointId, address)
  const [atFirst, atSecond] = [yield* first.open(topic), yield* second.open(topic)]
  yield* atSecond.join([first.endpointId])
  while ((yield* atFirst.neighbors).size === 0) yield* Effect.sleep(5)
  kept.push(first, second, atFirst, atSecond)
  return udpSockets()
})

const counts: Array<{ readonly open: number; readonly closed: number }> = []
for (let round = 0; round < 3; round++) {
  const open = await Effect.runPromise(Effect.scoped(joined))
  counts.push({ open, closed: udpSockets() })
}
console.log(JSON.stringify({ counts, kept: kept.length }))
process.exit(0)
