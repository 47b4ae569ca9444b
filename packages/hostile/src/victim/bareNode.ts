/**
 * A bare endpoint of iroh's binding without any code of ours: the control of the soak and of hostile traffic. Memory that grows here as it does
 * in our nodes is not ours.
 */
import * as Iroh from "@number0/iroh"

const DEFAULT_ALPN = "bare/1"

/** As often as our nodes look at a connection. */
const STATS_EVERY_MS = 1_000
const READ_BYTES = 4_096

export interface BareOptions {
  readonly alpn?: string
  /** A connection is closed after so many streams. Default: never. */
  readonly maxStreams?: number
}

export interface BareInfo {
  readonly endpointId: string
  readonly addresses: ReadonlyArray<string>
}

export class BareNode {
  readonly #endpoint: Iroh.Endpoint
  readonly #alpn: Array<number>
  readonly #maxStreams: number
  /** The binding closes a connection whose object is collected. */
  readonly #connections = new Set<Iroh.Connection>()

  private constructor(endpoint: Iroh.Endpoint, alpn: Array<number>, maxStreams: number) {
    this.#endpoint = endpoint
    this.#alpn = alpn
    this.#maxStreams = maxStreams
    this.#accept().catch(() => {})
    setInterval(() => {
      for (const connection of this.#connections) connection.stats()
    }, STATS_EVERY_MS)
  }

  static async start({
    alpn = DEFAULT_ALPN,
    maxStreams = Number.POSITIVE_INFINITY,
  }: BareOptions = {}): Promise<BareNode> {
    const bytes = [...new TextEncoder().encode(alpn)]
    const builder = Iroh.Endpoint.builder()
    Iroh.presetMinimal(builder)
    builder.alpns([bytes])
    builder.bindAddr("127.0.0.1:0")
    return new BareNode(await builder.bind(), bytes, maxStreams)
  }

  get info(): BareInfo {
    return { endpointId: this.#endpoint.id().toString(), addresses: this.#endpoint.boundSockets() }
  }

  async connect({ addresses, endpointId }: BareInfo): Promise<void> {
    const id = Iroh.EndpointId.fromString(endpointId)
    this.#adopt(await this.#endpoint.connect(new Iroh.EndpointAddr(id, null, [...addresses]), this.#alpn))
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
      this.#handshake(incoming).catch(() => {})
    }
  }

  async #handshake(incoming: Iroh.Incoming): Promise<void> {
    const accepting = await incoming.accept()
    this.#adopt(await accepting.connect())
  }

  #adopt(connection: Iroh.Connection): void {
    this.#connections.add(connection)
    connection.closed().then(
      () => this.#connections.delete(connection),
      () => this.#connections.delete(connection),
    )
    this.#read(connection).catch(() => {})
  }

  async #read(connection: Iroh.Connection): Promise<void> {
    for (let count = 0; count < this.#maxStreams; count++) {
      const stream = await connection.acceptUni()
      this.#drain(stream).catch(() => {})
    }
    connection.close(0n, [])
  }

  async #drain(stream: Iroh.RecvStream): Promise<void> {
    for (;;) {
      const bytes = await stream.read(READ_BYTES)
      if (bytes.length === 0) return
    }
  }
}
