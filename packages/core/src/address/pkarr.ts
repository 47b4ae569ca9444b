/**
 * The packet with which an iroh endpoint publishes its addresses in the DHT (pkarr): a DNS reply whose TXT answers, all under
 * `_iroh.<z-base-32 of the endpoint id>`, are `relay=URL`, `addr=IP:port` or `user-data=TEXT`. It is the value of a BEP 44 mutable
 * item without salt under the endpoint's own key, with microseconds since 1970 as seq. It knows no DHT.
 *
 * Sources: iroh-dns 1.4.1 `src/pkarr.rs`, `src/attrs.rs`; RFC 1035 for DNS; RFC 1464 for the key=value form.
 */
import { Bytes, SocketAddress } from "@topic-tracker/common"
import { EndpointId } from "@topic-tracker/crypto"
import { type EndpointAddress, isRelayUrl } from "@topic-tracker/gossip"
import * as dns from "dns-packet"
import * as z32 from "z32"

/**
 * The TTL that iroh writes. Readers of the DHT use the seq instead.
 *
 * @since 0.1.0
 * @category constants
 */
export const TTL_SECONDS = 30

/**
 * iroh allows 1,000 bytes. A BEP 44 value with its bencoding ("995:" before it) must be shorter than 1,000.
 *
 * @since 0.1.0
 * @category constants
 */
export const MAX_BYTES = 995

/** The size of one TXT string (RFC 1035, section 3.3.14). */
const MAX_STRING_BYTES = 255

/**
 * The endpoint id as iroh writes it in names: 52 characters of z-base-32.
 *
 * @since 0.1.0
 * @category encoding
 */
export const toZ32 = (id: EndpointId.EndpointId): string => z32.encode(EndpointId.bytes(id))

/**
 * The data that an endpoint publishes about itself.
 *
 * @since 0.1.0
 * @category models
 */
export interface EndpointInfo extends EndpointAddress {
  /** A text of the application, at most 245 bytes. */
  readonly userData?: string | undefined
}

/**
 * The DNS packet with these TXT strings, in this order, byte for byte as iroh's encoder writes it: the first answer has the name, the
 * others point to it. Undefined if it would have more than {@link MAX_BYTES}, or a string more than 255 bytes.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeTxt = (
  id: EndpointId.EndpointId,
  strings: ReadonlyArray<string>,
  ttl = TTL_SECONDS,
): Uint8Array | undefined => {
  const header = new Uint8Array(HEADER_BYTES)
  const view = new DataView(header.buffer)
  view.setUint16(2, REPLY)
  view.setUint16(6, strings.length)
  const parts: Array<Uint8Array> = [header]
  for (const [i, string] of strings.entries()) {
    const text = new TextEncoder().encode(string)
    if (text.length > MAX_STRING_BYTES) return undefined
    const name = i === 0 ? encodeName(["_iroh", toZ32(id)]) : POINTER_TO_FIRST_NAME
    parts.push(name, answerHead(ttl, text.length + 1), Uint8Array.of(text.length), text)
  }
  const packet = Bytes.concat(...parts)
  return packet.length <= MAX_BYTES ? packet : undefined
}

const HEADER_BYTES = 12
/** Header flags (RFC 1035, section 4.1.1): QR, and nothing else. */
const REPLY = 0x8000
/** Section 4.1.4: two high bits, then an offset. The first answer's name follows the header. */
const POINTER_TO_FIRST_NAME = Uint8Array.of(0xc0, HEADER_BYTES)
const TYPE_TXT = 16
const CLASS_IN = 1

const encodeName = (labels: ReadonlyArray<string>): Uint8Array => {
  const encoded = labels.map((label) => new TextEncoder().encode(label))
  return Bytes.concat(...encoded.flatMap((label) => [Uint8Array.of(label.length), label]), Uint8Array.of(0))
}

const answerHead = (ttl: number, dataBytes: number): Uint8Array => {
  const head = new Uint8Array(10)
  const view = new DataView(head.buffer)
  view.setUint16(0, TYPE_TXT)
  view.setUint16(2, CLASS_IN)
  view.setUint32(4, ttl)
  view.setUint16(8, dataBytes)
  return head
}

/**
 * The TXT strings at the endpoint's `_iroh` name, in the packet's order, with names compressed or not.
 * Undefined if the bytes are no DNS packet.
 *
 * @since 0.1.0
 * @category encoding
 */
export const decodeTxt = (id: EndpointId.EndpointId, packet: Uint8Array): ReadonlyArray<string> | undefined => {
  if (!hasRoomForItsRecords(packet)) return undefined
  let answers: ReturnType<typeof dns.decode>["answers"]
  try {
    answers = dns.decode(Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength)).answers
  } catch {
    return undefined
  }
  // dns-packet cuts off data that is shorter than its length field, and then counts too many bytes, or none (NaN).
  if (!(dns.decode.bytes <= packet.length)) return undefined
  const name = `_iroh.${toZ32(id)}`
  const strings: Array<string> = []
  for (const answer of answers) {
    if (answer.type !== "TXT" || answer.name !== name || !Array.isArray(answer.data)) continue
    const chunks = answer.data.filter((chunk) => chunk instanceof Uint8Array)
    strings.push(new TextDecoder().decode(Bytes.concat(...chunks)))
  }
  return strings
}

/** The least bytes of a question and of a record: the name of the root, and the fixed fields (RFC 1035, sections 4.1.2 and 4.1.3). */
const MIN_QUESTION_BYTES = 5
const MIN_RECORD_BYTES = 11

/**
 * Whether the packet is long enough for the records that its header counts. dns-packet reads as many as are counted, also after the end of
 * the packet: 65,535 of them take 30 ms.
 */
const hasRoomForItsRecords = (packet: Uint8Array): boolean => {
  if (packet.length < HEADER_BYTES) return false
  const view = new DataView(packet.buffer, packet.byteOffset)
  const records = view.getUint16(6) + view.getUint16(8) + view.getUint16(10)
  const least = HEADER_BYTES + view.getUint16(4) * MIN_QUESTION_BYTES + records * MIN_RECORD_BYTES
  return least <= packet.length
}

/**
 * The packet of an endpoint: its relay, then its addresses, those with the widest reach first. The last strings that do not fit are
 * dropped. Undefined if nothing is left.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = (id: EndpointId.EndpointId, info: EndpointInfo): Uint8Array | undefined => {
  const strings = [
    ...(info.relayUrl === undefined ? [] : [`relay=${info.relayUrl}`]),
    ...(info.userData === undefined ? [] : [`user-data=${info.userData}`]),
    ...byReach(info.direct).map((address) => `addr=${address}`),
  ].filter((string) => new TextEncoder().encode(string).length <= MAX_STRING_BYTES)
  for (; strings.length > 0; strings.pop()) {
    const packet = encodeTxt(id, strings)
    if (packet !== undefined) return packet
  }
  return undefined
}

const WIDEST_FIRST: ReadonlyArray<SocketAddress.Reach> = ["public", "private", "link-local", "loopback"]

/** The addresses that can be dialled, ordered by reach; within a reach, in the given order. */
const byReach = (addresses: ReadonlyArray<string>): ReadonlyArray<string> =>
  WIDEST_FIRST.flatMap((reach) => usable(addresses).filter((address) => SocketAddress.reachOfText(address) === reach))

/**
 * The addresses that can be dialled, each once, in canonical form.
 *
 * @since 0.1.0
 * @category operations
 */
export const usable = (addresses: ReadonlyArray<string>): ReadonlyArray<string> => {
  const kept = new Set<string>()
  for (const text of addresses) {
    const address = SocketAddress.parse(text)
    if (address !== undefined && canBeDialled(address)) kept.add(SocketAddress.format(address))
  }
  return [...kept]
}

/**
 * Link-local IPv4 addresses can: they are all that hosts on a link without DHCP have. Link-local IPv6 addresses need the name of a network
 * interface as well, which a packet cannot give.
 */
const canBeDialled = ({ ip, port }: SocketAddress.SocketAddress): boolean => {
  const reach = SocketAddress.reachOf(ip)
  return port !== 0 && reach !== "none" && (reach !== "link-local" || ip.length === 4)
}

/**
 * The content of a packet, without unknown or malformed attributes. Undefined if the bytes are no DNS packet. The signature of the item is
 * not checked: the DHT client has done that.
 *
 * @since 0.1.0
 * @category encoding
 */
export const decode = (id: EndpointId.EndpointId, packet: Uint8Array): EndpointInfo | undefined => {
  const strings = decodeTxt(id, packet)
  if (strings === undefined) return undefined
  let relayUrl: string | undefined
  let userData: string | undefined
  const direct: Array<string> = []
  for (const string of strings) {
    const at = string.indexOf("=")
    const [key, value] = [string.slice(0, Math.max(at, 0)), string.slice(at + 1)]
    if (key === "addr") direct.push(value)
    else if (key === "relay" && relayUrl === undefined && isRelayUrl(value)) relayUrl = value
    else if (key === "user-data" && userData === undefined) userData = value
  }
  return { relayUrl, direct: usable(direct), ...(userData === undefined ? {} : { userData }) }
}
