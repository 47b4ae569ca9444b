/** Random events for one protocol state: every kind of event and message, from a few peers, on two topics, at any time. */
import { Schema } from "effect"
import type * as Protocol from "../../src/protocol/index.ts"
import { type Action, bytes, configWith, type Event, gossip, idOf, type Message, Node, topic } from "./node.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Small views, so that they are full often. */
export const PropertyConfig = Schema.Struct({
  active: int(2, 4),
  passive: int(1, 4),
  threshold: int(0, 3),
  maxIds: int(1, 6),
})

const KINDS = [
  "Join",
  "ForwardJoin",
  "Shuffle",
  "ShuffleReply",
  "Neighbor",
  "Disconnect",
  "Gossip",
  "Prune",
  "Graft",
  "IHave",
  "expire",
  "expire",
  "expire",
  "disconnected",
  "disconnected",
  "join",
  "connect",
  "vouch",
  "broadcast",
  "quit",
  "data",
] as const

/** One event. `a` and `b` are peers, `n` is a number whose meaning depends on the kind. */
const Step = Schema.Struct({
  kind: Schema.Literals(KINDS),
  a: int(0, 7),
  b: int(0, 7),
  n: int(0, 9),
})
export const Steps = Schema.Array(Step).check(Schema.isMinLength(40), Schema.isMaxLength(250))

/** `count` steps, each field uniform. */
export const randomSteps = (rng: Protocol.Xoshiro128, count: number): ReadonlyArray<typeof Step.Type> =>
  Array.from({ length: count }, () => ({
    kind: KINDS[rng.nextInt(KINDS.length)]!,
    a: rng.nextInt(8),
    b: rng.nextInt(8),
    n: rng.nextInt(10),
  }))

const me = "me"
/** Peer 7 is the node itself: others may name it, and a message may claim to come from it. */
const peer = (i: number) => (i === 7 ? me : `p${i}`)
const info = (i: number, n: number) => ({ id: peer(i), data: n % 3 === 0 ? undefined : bytes("x".repeat(n)) })

const messageOf = ({ a, b, kind, n }: typeof Step.Type): Message | undefined => {
  switch (kind) {
    case "Join":
      return { _tag: "Join", data: bytes(`${n}`) }
    case "ForwardJoin":
      return { _tag: "ForwardJoin", peer: info(b, n), ttl: n % 5 }
    case "Shuffle":
      return { _tag: "Shuffle", origin: peer(b), nodes: [info(n % 8, n), info((n + b) % 8, a)], ttl: n % 3 }
    case "ShuffleReply":
      return { _tag: "ShuffleReply", nodes: [info(b, n), info(n % 8, 0), info((a + n) % 8, 1)] }
    case "Neighbor":
      return { _tag: "Neighbor", priority: n % 2 === 0 ? "high" : "low", data: undefined }
    case "Disconnect":
      return { _tag: "Disconnect", alive: n % 2 === 0, respond: false }
    case "Gossip":
      return n === 9 ? { ...gossip(`${b}`), scope: { _tag: "Neighbors" } } : gossip(`${b}`, n)
    case "Prune":
      return { _tag: "Prune" }
    case "Graft":
      return { _tag: "Graft", id: n === 0 ? undefined : idOf(`${b}`), round: n }
    case "IHave":
      return {
        _tag: "IHave",
        messages: [
          { id: idOf(`${b}`), round: n },
          { id: idOf(`${n % 8}`), round: 1 },
        ],
      }
    default:
      return undefined
  }
}

/** Sends the events to a node, which checks its invariants after each. Fails at the first broken one. */
export const runSteps = (
  config: typeof PropertyConfig.Type,
  seed: number,
  steps: ReadonlyArray<typeof Step.Type>,
): void => {
  const node = new Node(
    configWith({
      membership: { activeViewCapacity: config.active, passiveViewCapacity: config.passive },
      broadcast: { optimizationThreshold: config.threshold, messageIdMaxCount: config.maxIds },
    }),
    seed,
  )
  const running: Array<{ readonly at: number; readonly timer: Protocol.Timer<string> }> = []
  const handle = (event: Event): void => {
    const actions: ReadonlyArray<Action> = node.handle(event)
    for (const action of actions) {
      if (action._tag === "ScheduleTimer") running.push({ at: node.now + action.delayMs, timer: action.timer })
    }
  }
  handle({ _tag: "Join", topic, peers: [] })
  for (const step of steps) {
    const { a, b, kind, n } = step
    const at = n === 5 ? "other" : topic
    const message = messageOf(step)
    if (message !== undefined) {
      handle({ _tag: "Received", from: peer(a), topic: at, message })
      continue
    }
    switch (kind) {
      case "expire": {
        // Any of the running timers: a long one may come before a short one, as with a slow driver.
        const [due] = running.splice(a % Math.max(1, running.length), 1)
        if (due === undefined) continue
        node.now = Math.max(node.now, due.at)
        handle({ _tag: "TimerExpired", timer: due.timer })
        continue
      }
      case "disconnected":
        handle({ _tag: "PeerDisconnected", peer: peer(a % 7) })
        continue
      case "join":
        handle({ _tag: "Join", topic: at, peers: [peer(a), peer(b)] })
        continue
      case "connect":
        handle({ _tag: "Connect", topic: at, peers: [peer(a), peer(b)] })
        continue
      case "vouch":
        handle({ _tag: "VouchFor", topic: at, peers: [peer(a), peer(b)] })
        continue
      case "broadcast":
        handle({ _tag: "Broadcast", topic: at, content: bytes(`${b}`), scope: n === 9 ? "neighbors" : "swarm" })
        continue
      case "quit":
        if (n < 3) handle({ _tag: "Quit", topic: at })
        if (n < 3) handle({ _tag: "Join", topic: at, peers: [peer(a)] })
        continue
      case "data":
        handle({ _tag: "PeerDataChanged", data: bytes(`me ${n}`) })
    }
  }
  handle({ _tag: "Quit", topic })
  handle({ _tag: "Quit", topic: "other" })
}
