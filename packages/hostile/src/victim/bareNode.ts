/**
 * A bare endpoint of iroh's binding without any code of ours: the control of the soak. Memory that grows here as it does in our nodes is not
 * ours.
 */
import * as Iroh from "@number0/iroh"

const ALPN = [...new TextEncoder().encode("bare/1")]

/** As often as our nodes look at a connection. */
const STATS_EVERY_MS = 1_000
const READ_BYTES = 4_096

export interface BareInfo {
  readonly endpointId: string
  readonly addresses: ReadonlyArray<string>
}

export class BareNode {
  readonly #endpoint: Iroh.Endpoint
  /** The binding closes a connection whose object is collected. */
  readonly #connections = new Set<Iroh.Connection>()
  #heard = 0

  private constructor(endpoint: Iroh.Endpoint) {
    this.#endpoint = endpoint
    this.#accept().catch(() => {})
    setInterval(() => {
      for (const connection of this.#connections) connection.stats()
    }, STATS_EVERY_MS)
  }

  static async start(): Promise<BareNode> {
    const builder = Iroh.Endpoint.builder()
    Iroh.presetMinimal(builder)
    builder.alpns([ALPN])
    builder.bindAddr("127.0.0.1:0")
    return new BareNode(await builder.bind())
  }

  get info(): BareInfo {
    return { endpointId: this.#endpoint.id().toString(), addresses: this.#endpoint.boundSockets() }
  }

  /** Bytes read so far. */
  get heard(): number {
    return this.#heard
  }

  async connect({ addresses, endpointId }: BareInfo): Promise<void> {
    const id = Iroh.EndpointId.fromString(endpointId)
    this.#adopt(await this.#endpoint.connect(new Iroh.EndpointAddr(id, null, [...addresses]), ALPN))
  }

  /** Sends a message of so many bytes on each connection, each `everyMs`, until the process ends. */
  async send(everyMs: number, bytes: number): Promise<void> {
    const message = new Array<number>(bytes).fill(7)
    for (const connection of this.#connections) {
      const stream = await connection.openUni()
      setInterval(() => stream.writeAll(message).catch(() => {}), everyMs)
    }
  }

  async #accept(): Promise<void> {
    for (;;) {
      const incoming = await this.#endpoint.acceptNext()
      if (incoming === null) return
      const accepting = await incoming.accept()
      this.#adopt(await accepting.connect())
    }
  }

  #adopt(connection: Iroh.Connection): void {
    this.#connections.add(connection)
    this.#read(connection).catch(() => {})
  }

  async #read(connection: Iroh.Connection): Promise<void> {
    for (;;) {
      const stream = await connection.acceptUni()
      this.#drain(stream).catch(() => {})
    }
  }

  async #drain(stream: Iroh.RecvStream): Promise<void> {
    for (;;) {
      const bytes = await stream.read(READ_BYTES)
      if (bytes.length === 0) return
      this.#heard += bytes.length
    }
  }
}
