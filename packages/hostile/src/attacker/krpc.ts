/**
 * KRPC as an attacker speaks it: an own bencoding, and a socket that sends and answers what it likes. Source: BEP 3, 5, 44.
 */
import { createHash, createPrivateKey, randomBytes, sign } from "node:crypto"
import { createSocket, type Socket } from "node:dgram"
import { Effect, type Scope } from "effect"
import { type AttackFailed, attempt } from "../harness/Attack.ts"
import { topicId } from "./frames.ts"

export type Value =
  | bigint
  | number
  | string
  | Uint8Array
  | ReadonlyArray<Value>
  | { readonly [key: string]: Value | undefined }

export const bencode = (value: Value): Buffer => {
  if (typeof value === "bigint" || typeof value === "number") return Buffer.from(`i${value}e`)
  if (typeof value === "string") return bencode(Buffer.from(value))
  if (value instanceof Uint8Array) return Buffer.concat([Buffer.from(`${value.length}:`), value])
  if (isList(value)) return Buffer.concat([Buffer.from("l"), ...value.map(bencode), Buffer.from("e")])
  const parts: Array<Buffer> = []
  for (const key of Object.keys(value).sort()) {
    const each = value[key]
    if (each !== undefined) parts.push(bencode(key), bencode(each))
  }
  return Buffer.concat([Buffer.from("d"), ...parts, Buffer.from("e")])
}

const isList = (value: Value): value is ReadonlyArray<Value> => Array.isArray(value)

/** The value of the key in a dictionary of the datagram, if it is a byte string: found by search, which is enough for answers of ours. */
export const findString = (datagram: Buffer, key: string): Buffer | undefined => {
  const name = Buffer.from(`${key.length}:${key}`)
  for (let at = datagram.indexOf(name); at >= 0; at = datagram.indexOf(name, at + 1)) {
    const start = at + name.length
    const colon = datagram.indexOf(":", start)
    const digits = datagram.toString("latin1", start, colon)
    if (!/^\d{1,4}$/.test(digits)) continue
    return datagram.subarray(colon + 1, colon + 1 + Number(digits))
  }
  return undefined
}

export interface Address {
  readonly host: string
  readonly port: number
}

export const addressOf = (text: string): Address => {
  const [host = "", port] = text.split(":")
  return { host, port: Number(port) }
}

/** A UDP socket of the attacker on an address of its own. */
export class Speaker {
  readonly socket: Socket
  readonly id: Buffer = randomBytes(20)
  received = 0
  bytesReceived = 0
  onMessage: (datagram: Buffer, from: Address) => void = () => {}
  #number = 0
  readonly #waiting = new Map<string, (datagram: Buffer) => void>()

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on("error", () => {})
    socket.on("message", (datagram, { address: host, port }) => {
      this.received++
      this.bytesReceived += datagram.length
      const t = findString(datagram, "t")?.toString("hex")
      const resolve = t === undefined ? undefined : this.#waiting.get(t)
      if (t !== undefined && resolve !== undefined) {
        this.#waiting.delete(t)
        resolve(datagram)
      } else {
        this.onMessage(datagram, { host, port })
      }
    })
  }

  /** Closed with the scope. */
  static make(host = "127.0.0.1"): Effect.Effect<Speaker, AttackFailed, Scope.Scope> {
    return Effect.acquireRelease(
      attempt(
        `socket on ${host}`,
        () =>
          new Promise<Speaker>((resolve, reject) => {
            const socket = createSocket({
              type: "udp4",
              recvBufferSize: 1 << 20,
              lookup: (name, _options, callback) => callback(null, name, 4),
            })
            socket.once("error", reject)
            socket.bind(0, host, () => {
              socket.off("error", reject)
              resolve(new Speaker(socket))
            })
          }),
      ),
      ({ socket }) => Effect.sync(() => socket.close()),
    )
  }

  get address(): Address {
    const { address: host, port } = this.socket.address()
    return { host, port }
  }

  send(datagram: Uint8Array, to: Address): void {
    this.socket.send(datagram, to.port, to.host, () => {})
  }

  /** Sends a query and forgets it. */
  query(to: Address, method: string, a: { readonly [key: string]: Value | undefined }): void {
    const t = Buffer.alloc(4)
    t.writeUInt32BE(this.#number++ >>> 0)
    this.send(bencode({ t, y: "q", q: method, a: { id: this.id, ...a } }), to)
  }

  /** Sends a query and waits for the answer; undefined after `withinMs`. */
  ask(
    to: Address,
    method: string,
    a: { readonly [key: string]: Value | undefined },
    withinMs = 1_000,
  ): Promise<Buffer | undefined> {
    const t = Buffer.alloc(4)
    t.writeUInt32BE(this.#number++ >>> 0)
    return new Promise((resolve) => {
      const timeout = setTimeout(() => {
        this.#waiting.delete(t.toString("hex"))
        resolve(undefined)
      }, withinMs)
      this.#waiting.set(t.toString("hex"), (datagram) => {
        clearTimeout(timeout)
        resolve(datagram)
      })
      this.send(bencode({ t, y: "q", q: method, a: { id: this.id, ...a } }), to)
    })
  }

  /** Answers a query. */
  reply(query: Buffer, to: Address, r: { readonly [key: string]: Value | undefined }): void {
    const t = findString(query, "t")
    if (t !== undefined) this.send(bencode({ t, y: "r", r: { id: this.id, ...r } }), to)
  }
}

/** The method of a query; undefined for anything else. */
export const methodOf = (datagram: Buffer): string | undefined =>
  datagram.includes("1:y1:q") ? findString(datagram, "q")?.toString("latin1") : undefined

/** Compact node info (BEP 5). */
export const compactNode = (id: Uint8Array, { host, port }: Address): Buffer =>
  Buffer.concat([id, Buffer.of(...host.split(".").map(Number), port >> 8, port & 255)])

const sha512Half = (...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const hash = createHash("sha512")
  for (const part of parts) hash.update(part)
  return hash.digest().subarray(0, 32)
}

/** The slot of a topic's minute: an outsider that knows the name can compute it, and sign items of it. */
export interface Slot {
  readonly publicKey: Buffer
  readonly salt: Buffer
  readonly target: Buffer
  /** A signed item with this value. */
  readonly item: (
    value: Uint8Array,
    seq?: bigint,
  ) => { readonly k: Buffer; readonly sig: Buffer; readonly seq: bigint; readonly v: Uint8Array; readonly salt: Buffer }
}

/** The greatest seq, which records have. */
const MAX_SEQ = 2n ** 63n - 1n

/** PKCS #8 of an Ed25519 seed, before the seed (RFC 8410). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex")

export const slotOf = (topic: string, unixMinute: number): Slot => {
  const minute = Buffer.alloc(8)
  minute.writeBigUInt64LE(BigInt(unixMinute))
  const seed = sha512Half(topicId(topic), minute)
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" })
  const publicKey = Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url")
  const salt = sha512Half(Buffer.from("salt"), topicId(topic), minute)
  const target = createHash("sha1").update(publicKey).update(salt).digest()
  return {
    publicKey,
    salt,
    target,
    item: (value, seq = MAX_SEQ) => {
      const signed = Buffer.concat([
        Buffer.from("4:salt"),
        bencode(salt),
        Buffer.from(`3:seqi${seq}e1:v`),
        bencode(value),
      ])
      return { k: publicKey, sig: sign(null, signed, key), seq, v: value, salt }
    },
  }
}

export const minuteNow = (): number => Math.floor(Date.now() / 60_000)
