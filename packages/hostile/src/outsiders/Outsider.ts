/**
 * An endpoint of an outsider in a network in memory: it dials members or is dialled by them, and writes what it likes. It has none of our code above the
 * transport. All bytes that it ever reads are kept.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import type { BiStream, Connection } from "@topic-tracker/gossip"
import type { MemoryNetwork } from "@topic-tracker/gossip/testing"

export const OPEN_ALPN = "/iroh-gossip/1"
export const MEMBERS_ALPN = "/topic-tracker/members/1"

export class Outsider {
  readonly id: EndpointId.EndpointId
  readonly read: Array<Uint8Array> = []
  /** Runs for each connection that somebody else makes. */
  onDialled: (connection: Connection) => void = () => {}
  readonly #network: MemoryNetwork
  readonly #endpoint: NonNullable<ReturnType<MemoryNetwork["attach"]>>
  readonly #waiting = new Map<string, (connection: Connection | undefined) => void>()

  constructor(network: MemoryNetwork, id: EndpointId.EndpointId) {
    this.id = id
    this.#network = network
    this.#endpoint = network.attach(id)!
    for (const alpn of [OPEN_ALPN, MEMBERS_ALPN]) {
      this.#endpoint.handlers.set(alpn, {
        connected: (connection, isDialled) => {
          this.#readStreams(connection)
          if (!isDialled) this.onDialled(connection)
          else this.#settle(alpn, connection.remoteId, connection)
        },
        dialFailed: (peer) => this.#settle(alpn, peer, undefined),
      })
    }
  }

  dial(peer: EndpointId.EndpointId, alpn: string): Promise<Connection | undefined> {
    return new Promise((resolve) => {
      this.#waiting.set(alpn + peer, resolve)
      this.#network.dial(this.#endpoint, peer, alpn)
    })
  }

  /** Opens a one-way stream, writes, and ends it. */
  stream(connection: Connection, ...bytes: ReadonlyArray<Uint8Array>): void {
    connection.openStream((stream) => {
      for (const each of bytes) stream?.write(each.slice(), () => {})
      stream?.finish()
    })
  }

  openBi(connection: Connection): Promise<BiStream | undefined> {
    return new Promise((resolve) => connection.openBi(resolve))
  }

  acceptBi(connection: Connection): Promise<BiStream | undefined> {
    return new Promise((resolve) => connection.acceptBi(resolve))
  }

  write(stream: BiStream, bytes: Uint8Array): void {
    stream.send.write(bytes.slice(), () => {})
  }

  /** The next bytes; undefined at the end. */
  receive(stream: BiStream): Promise<Uint8Array | undefined> {
    return new Promise((resolve) =>
      stream.receive.read((bytes) => {
        if (bytes !== undefined) this.read.push(bytes)
        resolve(bytes)
      }),
    )
  }

  close(): void {
    this.#network.detach(this.#endpoint)
  }

  #settle(alpn: string, peer: string, connection: Connection | undefined): void {
    this.#waiting.get(alpn + peer)?.(connection)
    this.#waiting.delete(alpn + peer)
  }

  /** Reads all one-way streams of the peer. */
  #readStreams(connection: Connection): void {
    const next = () =>
      connection.acceptStream((stream) => {
        if (stream === undefined) return
        const read = () =>
          stream.read((bytes) => {
            if (bytes === undefined) return
            this.read.push(bytes)
            setImmediate(read)
          })
        read()
        setImmediate(next)
      })
    next()
  }
}
