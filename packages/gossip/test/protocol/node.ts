import { InvariantChecker } from "../../src/protocol/checkInvariants.ts"
import * as Protocol from "../../src/protocol/index.ts"

export type Event = Protocol.Event<string>
export type Action = Protocol.Action<string>
export type Message = Protocol.Message<string>
export const topic = "topic"

export const configWith = (parts: {
  readonly membership?: Partial<Protocol.ProtocolConfig["membership"]>
  readonly broadcast?: Partial<Protocol.ProtocolConfig["broadcast"]>
}): Protocol.ProtocolConfig => ({
  ...Protocol.defaultConfig,
  membership: { ...Protocol.defaultConfig.membership, ...parts.membership },
  broadcast: { ...Protocol.defaultConfig.broadcast, ...parts.broadcast },
})

/** One protocol state, "me", to which tests send events in the place of its peers. Its invariants are checked after each event. */
export class Node {
  readonly state: Protocol.GossipState<string>
  now = 0
  private readonly checker: InvariantChecker<string>

  constructor(config: Protocol.ProtocolConfig = Protocol.defaultConfig, seed = 1) {
    const rng = new Protocol.Xoshiro128(seed)
    this.state = new Protocol.GossipState<string>({ me: "me", peerData: bytes("me"), config, rng })
    this.checker = new InvariantChecker(this.state)
  }

  handle(event: Event): Array<Action> {
    const actions: Array<Action> = []
    this.state.handle(event, this.now, actions)
    this.checker.afterEvent(event, actions)
    return actions
  }

  join(...peers: ReadonlyArray<string>): Array<Action> {
    return this.handle({ _tag: "Join", topic, peers })
  }

  receive(from: string, message: Message): Array<Action> {
    return this.handle({ _tag: "Received", from, topic, message })
  }

  /** Takes part in the topic with these neighbours. */
  withNeighbors(...peers: ReadonlyArray<string>): this {
    this.join()
    for (const peer of peers) {
      this.receive(peer, join(peer))
      this.receive(peer, neighbor("high"))
    }
    return this
  }

  /** Adds the peers to the passive view, as the end of a newcomer's walk does. */
  withContacts(via: string, ...peers: ReadonlyArray<string>): this {
    for (const peer of peers) {
      this.receive(via, { _tag: "ForwardJoin", peer: { id: peer, data: undefined }, ttl: 3 })
    }
    return this
  }

  get active(): ReadonlyArray<string> {
    return [...this.state.neighbors(topic)].sort()
  }

  get passive(): ReadonlyArray<string> {
    return [...this.topic.membership.passive.values].sort()
  }

  get eager(): ReadonlyArray<string> {
    return [...this.topic.broadcast.eager].sort()
  }

  get lazy(): ReadonlyArray<string> {
    return [...this.topic.broadcast.lazy].sort()
  }

  get topic() {
    const state = this.state.topic(topic)
    if (state === undefined) throw new Error("not in the topic")
    return state
  }
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export const join = (peer: string): Message => ({ _tag: "Join", data: bytes(peer) })

export const neighbor = (priority: "high" | "low"): Message => ({ _tag: "Neighbor", priority, data: undefined })

export const gossip = (text: string, round = 0): Extract<Message, { readonly _tag: "Gossip" }> => ({
  _tag: "Gossip",
  id: Protocol.MessageId.ofContent(bytes(text)),
  content: bytes(text),
  scope: { _tag: "Swarm", round },
})

export const idOf = (text: string): Protocol.MessageId.MessageId => Protocol.MessageId.ofContent(bytes(text))

/** The sends among the actions, as "to Tag". */
export const sends = (actions: ReadonlyArray<Action>): ReadonlyArray<string> =>
  actions.flatMap((action) => (action._tag === "Send" ? [`${action.to} ${action.message._tag}`] : []))

/** The messages sent to a peer. */
export const sentTo = (actions: ReadonlyArray<Action>, peer: string): ReadonlyArray<Message> =>
  actions.flatMap((action) => (action._tag === "Send" && action.to === peer ? [action.message] : []))

/** The events for the application, as "Tag peer" or "Received text". */
export const emitted = (actions: ReadonlyArray<Action>): ReadonlyArray<string> =>
  actions.flatMap((action) => {
    if (action._tag !== "Emit") return []
    const { event } = action
    return [
      event._tag === "Received"
        ? `Received ${new TextDecoder().decode(event.content)}`
        : `${event._tag} ${event.peer}${event._tag === "NeighborDown" ? `, ${event.reason}` : ""}`,
    ]
  })

export const disconnects = (actions: ReadonlyArray<Action>): ReadonlyArray<string> =>
  actions.flatMap((action) => (action._tag === "DisconnectPeer" ? [action.peer] : []))

type Timer = Protocol.Timer<string>

/** The timers scheduled of one kind. */
export const timers = <T extends Timer["_tag"]>(
  actions: ReadonlyArray<Action>,
  tag: T,
): ReadonlyArray<{ readonly delayMs: number; readonly timer: Extract<Timer, { readonly _tag: T }> }> =>
  actions.flatMap((action) =>
    action._tag === "ScheduleTimer" && isTimer(action.timer, tag)
      ? [{ delayMs: action.delayMs, timer: action.timer }]
      : [],
  )

const isTimer = <T extends Timer["_tag"]>(timer: Timer, tag: T): timer is Extract<Timer, { readonly _tag: T }> =>
  timer._tag === tag

/** These peers as a Shuffle or its reply names them, without data. */
export const infos = (...peers: ReadonlyArray<string>) => peers.map((id) => ({ id, data: undefined }))
