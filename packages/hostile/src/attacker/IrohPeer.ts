/** A bare iroh endpoint of an attacker: it dials a victim, writes what it likes on streams, and reads as it likes. It has none of our code. */
import * as Iroh from "@number0/iroh"
import { Effect, type Scope } from "effect"
import { type AttackFailed, attempt } from "../harness/Attack.ts"
import { FrameReader, frame, topicId } from "./frames.ts"

const ALPN = [...new TextEncoder().encode("/iroh-gossip/1")]

export interface Target {
  readonly endpointId: string
  readonly addresses: ReadonlyArray<string>
}

/** A stream of a topic, from the attacker to the victim. */
export class TopicStream {
  readonly #send: Iroh.SendStream
  bytes = 0

  constructor(send: Iroh.SendStream) {
    this.#send = send
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#send.writeAll([...bytes])
    this.bytes += bytes.length
  }

  async finish(): Promise<void> {
    await this.#send.finish()
  }
}

/** A connection to a victim. */
export class Link {
  readonly connection: Iroh.Connection
  isClosed = false
  /** Resolves with the reason. */
  readonly closed: Promise<string>

  constructor(connection: Iroh.Connection) {
    this.connection = connection
    this.closed = connection.closed().then((reason) => {
      this.isClosed = true
      return reason
    })
  }

  /** Opens a stream of the topic. */
  async open(topic: string): Promise<TopicStream> {
    const stream = new TopicStream(await this.connection.openUni())
    await stream.write(frame(topicId(topic)))
    return stream
  }

  /** Reads all streams of the victim to their ends. `onBody` gets each message; the first frame, the topic, is left out. */
  read(onBody: (body: Buffer) => void): void {
    const drain = async (stream: Iroh.RecvStream): Promise<void> => {
      const reader = new FrameReader()
      let isFirst = true
      for (;;) {
        const bytes = await stream.read(65_536)
        if (bytes.length === 0) return
        for (const body of reader.push(Uint8Array.from(bytes))) {
          if (isFirst) isFirst = false
          else onBody(body)
        }
      }
    }
    const accept = async (): Promise<void> => {
      for (;;) drain(await this.connection.acceptUni()).catch(() => {})
    }
    accept().catch(() => {})
  }

  close(): void {
    this.connection.close(0n, [])
  }
}

export class IrohPeer {
  readonly endpoint: Iroh.Endpoint
  /** 64 hex digits. */
  readonly id: string
  /** The binding closes a connection whose object is collected. */
  readonly #held: Array<Link> = []

  private constructor(endpoint: Iroh.Endpoint) {
    this.endpoint = endpoint
    this.id = endpoint.id().toString()
  }

  /** Closed with the scope. `host`: the attacker's address. */
  static make(host = "127.0.0.1"): Effect.Effect<IrohPeer, AttackFailed, Scope.Scope> {
    return Effect.acquireRelease(
      attempt("attacker", () => IrohPeer.bind(host)),
      (peer) => peer.close,
    )
  }

  static async bind(host = "127.0.0.1"): Promise<IrohPeer> {
    const builder = Iroh.Endpoint.builder()
    Iroh.presetMinimal(builder)
    builder.alpns([ALPN])
    builder.bindAddr(`${host}:0`)
    return new IrohPeer(await builder.bind())
  }

  get idBytes(): Buffer {
    return Buffer.from(this.id, "hex")
  }

  get address(): string {
    return this.endpoint.boundSockets()[0] ?? ""
  }

  /** Dials a victim at its addresses, or at other ones. */
  async dial(target: Target, addresses: ReadonlyArray<string> = target.addresses): Promise<Link> {
    const id = Iroh.EndpointId.fromString(target.endpointId)
    const connection = await this.endpoint.connect(new Iroh.EndpointAddr(id, null, [...addresses]), ALPN)
    const link = new Link(connection)
    this.#held.push(link)
    return link
  }

  /** Some of the sockets close only when the object is collected, which is no matter for a process that ends soon. */
  readonly close = Effect.promise(() =>
    Promise.race([this.endpoint.close(), new Promise((resolve) => setTimeout(resolve, 300))]),
  )
}
