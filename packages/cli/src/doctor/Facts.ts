/** The facts that the command `doctor` has found out, before they are judged. */

/** The facts about this host and the DHT. */
export interface HostFacts {
  /** All bootstrap nodes are on this host, so no other network is needed. */
  readonly isLoopback: boolean
  /** Our addresses without loopback and link-local ones. */
  readonly ipv4: ReadonlyArray<string>
  readonly ipv6: ReadonlyArray<string>
  /** The UDP port of the DHT client, 0 for any, and the error of binding it. */
  readonly port: { readonly number: number; readonly error: string | undefined }
  /** Each name of a bootstrap node with its addresses, or the error of its lookup. */
  readonly names: ReadonlyArray<{ readonly name: string; readonly found: ReadonlyArray<string> | string }>
  readonly dht: { readonly asked: number; readonly answered: number; readonly seenAs: ReadonlyArray<string> }
  /** Undefined if no time server was asked. `aheadMillis` is undefined if it did not answer. */
  readonly clock: { readonly server: string; readonly aheadMillis: number | undefined } | undefined
}

/** The facts about a node that was started. */
export interface NodeFacts {
  /** DHT nodes that stored an item of ours, or the reason why none did. */
  readonly stored: number | string
  /** `"off"`: relays are turned off. Undefined: none was reached. */
  readonly relay: string | undefined
}

/** The facts about a topic that was joined. */
export interface TopicFacts {
  readonly access: "open" | "members"
  readonly isJoined: boolean
  /** Nodes joined it with the other access. */
  readonly isOtherAccess: boolean
  /** Members refused us at the door because of their clock. */
  readonly isClockRefused: boolean
  /** The minutes by which our clock is ahead of a peer's. */
  readonly clockAheadMinutes: number | undefined
  /** Records of other nodes that opened. */
  readonly records: number
  /** Well-formed items that the secret does not open, and items that no member made. */
  readonly unopened: number
  readonly garbage: number
  readonly dials: number
  readonly seconds: number
}
