/** The part of bittorrent-dht 11 that `BittorrentDht.ts` uses; the package has no types of its own. */
declare module "bittorrent-dht" {
  import type { EventEmitter } from "node:events"

  export interface Contact {
    readonly id: Buffer
    readonly host: string
    readonly port: number
  }

  /** k-bucket: the routing table. */
  export interface Table {
    on(event: "added" | "removed", listener: (contact: Contact) => void): void
    get(id: Uint8Array): Contact | null
    closest(target: Uint8Array, count?: number): Array<Contact>
    count(): number
    toArray(): Array<Contact>
  }

  export interface ClientOptions {
    readonly nodeId: Buffer
    readonly bootstrap: false
    readonly krpcSocket: EventEmitter
  }

  /** The store of announced peers. */
  export interface Peers {
    destroy(): void
  }

  export class Client extends EventEmitter {
    constructor(options: ClientOptions)
    _peers: Peers
    readonly nodes: Table
    addNode(node: { readonly id: Buffer; readonly host: string; readonly port: number }): void
    removeNode(id: Buffer): void
    destroy(callback: () => void): void
  }
}
