/** The peers of one content are told of each other: the list when a stream begins, and again when it has changed, but seldom. */
import type { EndpointId } from "@topic-tracker/crypto"
import { MAX_PEERS } from "../wire/messages.ts"
import type { Session } from "./Session.ts"

const EVERY_MS = 10_000

export class PeerLists {
  readonly #sessions: ReadonlyMap<EndpointId.EndpointId, Session>
  #sentAt = Number.NEGATIVE_INFINITY
  #sent = ""

  constructor(sessions: ReadonlyMap<EndpointId.EndpointId, Session>) {
    this.#sessions = sessions
  }

  /** The peers that are told to this one. */
  for(peer: EndpointId.EndpointId): ReadonlyArray<EndpointId.EndpointId> {
    return [...this.#sessions.keys()].filter((each) => each !== peer).slice(-MAX_PEERS)
  }

  send(session: Session): void {
    const peers = this.for(session.peer)
    if (peers.length > 0) session.send({ _tag: "Peers", peers })
  }

  tick(now: number): void {
    if (now - this.#sentAt < EVERY_MS) return
    this.#sentAt = now
    const all = [...this.#sessions.keys()].sort().join()
    if (all === this.#sent) return
    this.#sent = all
    for (const session of this.#sessions.values()) this.send(session)
  }
}
