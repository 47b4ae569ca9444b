/**
 * Asks DHT nodes from one socket: which of them answer, and from which address each of them sees us come. Different ports mean a NAT
 * that peers cannot reach without a relay (address-dependent mapping, RFC 4787, section 4.1). The field `ip` is BEP 42's.
 */
import { randomBytes } from "node:crypto"
import type { DhtAddress } from "@topic-tracker/dht"
import { decodeBencode, encodeBencode } from "@topic-tracker/dht/testing"
import { Effect } from "effect"
import type { HostFacts } from "./Facts.ts"
import { bindUdp, sendUdp } from "./udp.ts"

/** The nodes that answers name and that are asked too. */
const MAX_NAMED = 12
const ATTEMPTS = 3
const ATTEMPT_MS = 700

/** Asks the nodes, and some of those that they name. `bind` is the address of our socket. */
export const askNodes = Effect.fnUntraced(function* (nodes: ReadonlyArray<DhtAddress>, bind: string) {
  const bound = yield* bindUdp(bind)
  const asked = new Map<string, DhtAddress>()
  const answered = new Set<string>()
  const seenAs = new Set<string>()
  const result = (): HostFacts["dht"] => ({ asked: asked.size, answered: answered.size, seenAs: [...seenAs] })
  if (bound._tag === "Failed") return result()
  const { socket } = bound
  const id = randomBytes(20)
  let named = 0
  const ask = ({ host, port }: DhtAddress) => {
    const query = { a: { id, target: randomBytes(20) }, q: "find_node", ro: 1, t: randomBytes(4), y: "q" }
    sendUdp(socket, encodeBencode(query), host, port)
  }
  const add = (node: DhtAddress): boolean => {
    const key = `${node.host}:${node.port}`
    if (asked.has(key)) return false
    asked.set(key, node)
    return true
  }
  socket.on("message", (bytes, { address, port }) => {
    const from = `${address}:${port}`
    // Only a node that was asked; anybody can send to an open port.
    if (!asked.has(from)) return
    const answer = readAnswer(bytes)
    if (answer === undefined) return
    answered.add(from)
    if (answer.seenAs !== undefined) seenAs.add(answer.seenAs)
    for (const node of answer.nodes) {
      if (named < MAX_NAMED && add(node)) {
        named++
        ask(node)
      }
    }
  })
  for (const node of nodes) add(node)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    for (const [key, node] of asked) if (!answered.has(key)) ask(node)
    yield* Effect.sleep(ATTEMPT_MS)
    if (answered.size === asked.size) break
  }
  return result()
}, Effect.scoped)

interface Answer {
  readonly seenAs: string | undefined
  readonly nodes: ReadonlyArray<DhtAddress>
}

const readAnswer = (bytes: Uint8Array): Answer | undefined => {
  const message = decodeBencode(bytes)
  if (typeof message !== "object" || message instanceof Uint8Array || Array.isArray(message)) return undefined
  const { ip, r } = message as { readonly ip?: unknown; readonly r?: { readonly nodes?: unknown } }
  const nodes = r?.nodes instanceof Uint8Array ? r.nodes : new Uint8Array()
  return {
    seenAs: ip instanceof Uint8Array && ip.length === 6 ? Object.values(compact(ip, 0)).join(":") : undefined,
    nodes: Array.from({ length: Math.min(8, Math.floor(nodes.length / 26)) }, (_, i) => compact(nodes, i * 26 + 20)),
  }
}

/** Four bytes of an address and two of a port, big-endian (BEP 5). */
const compact = (bytes: Uint8Array, at: number): DhtAddress => ({
  host: bytes.subarray(at, at + 4).join("."),
  port: (bytes[at + 4]! << 8) | bytes[at + 5]!,
})
