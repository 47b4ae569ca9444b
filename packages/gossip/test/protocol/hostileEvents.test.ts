/** Random messages of hostile peers, at any rate and of any size: no bound of the state machine is exceeded. */
import { assert, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Protocol from "../../src/protocol/index.ts"
import { type Action, bytes, type Event, gossip, idOf, infos, type Message, Node, topic } from "./node.ts"

const STEPS = 250

/** A random message, from almost nothing to a full frame. */
const messageOf = (rng: Protocol.Xoshiro128, fresh: () => string): Message => {
  const many = (max: number) => Array.from({ length: rng.nextInt(max) }, fresh)
  const data = rng.nextInt(2) === 0 ? undefined : bytes(fresh().repeat(1 + rng.nextInt(200)))
  const id = idOf(`text ${rng.nextInt(20)}`)
  switch (rng.nextInt(12)) {
    case 0:
      return { _tag: "Join", data }
    case 1:
      return { _tag: "ForwardJoin", peer: { id: fresh(), data }, ttl: rng.nextInt(9) }
    case 2:
      return { _tag: "Shuffle", origin: fresh(), nodes: infos(...many(119)), ttl: rng.nextInt(9) }
    case 3:
      return { _tag: "ShuffleReply", nodes: infos(...many(119)) }
    case 4:
      return { _tag: "Neighbor", priority: rng.nextInt(3) === 0 ? "low" : "high", data }
    case 5:
      return { _tag: "Disconnect", alive: rng.nextInt(3) > 0, respond: false }
    case 6:
      return gossip(`text ${rng.nextInt(20)}`, rng.nextInt(9))
    case 7:
      return { _tag: "Graft", id, round: 0 }
    case 8:
      return { _tag: "Prune" }
    default:
      return { _tag: "IHave", messages: many(115).map((text) => ({ id: idOf(text), round: rng.nextInt(9) })) }
  }
}

/** Runs the node among 40 hostile peers for random steps of up to `maxPauseMs`. Returns what it did. */
const besiege = (seed: number, maxPauseMs: number) => {
  const rng = new Protocol.Xoshiro128(seed)
  const node = new Node(undefined, seed)
  const running: Array<{ readonly at: number; readonly timer: Protocol.Timer<string> }> = []
  const asked = new Set<string>()
  let grafts = 0
  const handle = (event: Event) => {
    const actions: ReadonlyArray<Action> = node.handle(event)
    for (const action of actions) {
      if (action._tag === "ScheduleTimer") running.push({ at: node.now + action.delayMs, timer: action.timer })
      if (action._tag !== "Send") continue
      if (action.message._tag === "Neighbor" && action.to.startsWith("name")) asked.add(action.to)
      if (action.message._tag === "Graft" && action.message.id !== undefined) grafts++
    }
  }
  let names = 0
  const fresh = () => `name ${names++}`
  handle({ _tag: "Join", topic, peers: [] })
  handle({ _tag: "VouchFor", topic, peers: ["member"] })
  handle({ _tag: "Received", from: "member", topic, message: { _tag: "Join", data: undefined } })
  for (let step = 0; step < STEPS; step++) {
    node.now += rng.nextInt(maxPauseMs + 1)
    for (;;) {
      const due = running.findIndex(({ at }) => at <= node.now)
      if (due < 0) break
      const [{ timer }] = running.splice(due, 1) as [(typeof running)[number]]
      handle({ _tag: "TimerExpired", timer })
    }
    const from = `hostile ${rng.nextInt(40)}`
    if (rng.nextInt(20) === 0) handle({ _tag: "PeerDisconnected", peer: from })
    else handle({ _tag: "Received", from, topic, message: messageOf(rng, fresh) })
  }
  return { asked: asked.size, grafts, node }
}

it.prop(
  "hostile peers exceed no bound, and a vouched neighbour stays",
  { seed: Schema.Int, maxPauseMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_000 })) },
  ({ maxPauseMs, seed }) => {
    // Node checks every bound of checkInvariants after each event.
    const { asked, node } = besiege(seed, maxPauseMs)
    assert.isAtMost(asked, 80 + 5 * Math.ceil(node.now / 1_000))
    assert.include(node.active, "member")
  },
  { arbitrary: { runs: 12 } },
)
