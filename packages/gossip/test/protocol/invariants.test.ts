import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { Schema } from "effect"
import { checkInvariants, InvariantChecker } from "../../src/protocol/checkInvariants.ts"
import { HyParView } from "../../src/protocol/HyParView.ts"
import * as Protocol from "../../src/protocol/index.ts"
import { PlumTree } from "../../src/protocol/PlumTree.ts"
import { type Action, bytes, type Event, Node, topic } from "./node.ts"
import { PropertyConfig, randomSteps, runSteps, Steps } from "./randomEvents.ts"

describe("random events in random order", () => {
  it.prop(
    "break no invariant",
    { config: PropertyConfig, seed: Schema.Int, steps: Steps },
    ({ config, seed, steps }) => {
      runSteps(config, seed, steps)
    },
    { arbitrary: { runs: 600 } },
  )
})

describe("checkInvariants", () => {
  const full = () => new Node().withNeighbors("a", "b", "c").withContacts("a", "x", "y")

  const broken: ReadonlyArray<readonly [string, RegExp, (node: Node) => unknown]> = [
    ["a peer in both views", /a is in both views/, (node) => node.topic.membership.passive.add("a")],
    ["the node itself in a view", /the node itself is among/, (node) => node.topic.membership.passive.add("me")],
    ["a neighbour outside the tree", /the tree's peers are not/, (node) => node.topic.broadcast.eager.delete("a")],
    ["a peer that is eager and lazy", /a is both eager and lazy/, (node) => node.topic.broadcast.lazy.add("a")],
    ["a neighbour without a connection", /a has no connection/, (node) => node.topic.connections.delete("a")],
    [
      "too many contacts",
      /31 contacts; the limit is 30/,
      (node) => {
        for (let i = 0; i < 29; i++) node.topic.membership.passive.add(`p${i}`)
      },
    ],
    [
      "too many neighbours",
      /6 neighbours besides guests; the limit is 5/,
      (node) => {
        for (const peer of ["d", "e", "f"]) node.topic.membership.active.add(peer)
      },
    ],
  ]
  for (const [what, message, change] of broken) {
    it(`finds ${what}`, () => {
      const node = full()
      checkInvariants(node.state)
      change(node)
      assert.throws(() => checkInvariants(node.state), message)
    })
  }
})

describe("InvariantChecker", () => {
  /** A machine whose actions a test changes before the checker sees them. */
  const after = (change: (actions: ReadonlyArray<Action>) => ReadonlyArray<Action>) => {
    const rng = new Protocol.Xoshiro128(1)
    const { defaultConfig: config } = Protocol
    const state = new Protocol.GossipState<string>({ me: "me", peerData: bytes("me"), config, rng })
    const checker = new InvariantChecker(state)
    const events: ReadonlyArray<Event> = [
      { _tag: "Join", topic, peers: [] },
      { _tag: "Received", from: "a", topic, message: { _tag: "Join", data: undefined } },
    ]
    for (const event of events) {
      const actions: Array<Action> = []
      state.handle(event, 0, actions)
      checker.afterEvent(event, change(actions))
    }
  }
  const without = (tag: Action["_tag"]) => (actions: ReadonlyArray<Action>) =>
    actions.filter(({ _tag }) => _tag !== tag)
  const and = (action: Action) => (actions: ReadonlyArray<Action>) => [...actions, action]

  it("accepts what the machine does", () => after((actions) => actions))

  const broken: ReadonlyArray<readonly [string, RegExp, (actions: ReadonlyArray<Action>) => ReadonlyArray<Action>]> = [
    ["a timer that does not run", /0 Shuffle timers run instead of 1/, without("ScheduleTimer")],
    ["a neighbour without an event", /the events do not give the active view/, without("Emit")],
    [
      "a closed connection in use",
      /the connection to a is closed but still used/,
      (actions) => (actions.length > 1 ? and({ _tag: "DisconnectPeer", peer: "a" })(actions) : actions),
    ],
    [
      "a payload for a stranger",
      /sends Prune to x, which is no neighbour/,
      and({ _tag: "Send", to: "x", topic, message: { _tag: "Prune" } }),
    ],
    [
      "a message to the node itself",
      /sends Join to itself/,
      and({ _tag: "Send", to: "me", topic, message: { _tag: "Join", data: undefined } }),
    ],
    [
      "NeighborDown without NeighborUp",
      /NeighborDown of x, which is no neighbour/,
      and({ _tag: "Emit", topic, event: { _tag: "NeighborDown", peer: "x", reason: "left" } }),
    ],
  ]
  for (const [what, message, change] of broken) {
    it(`finds ${what}`, () => assert.throws(() => after(change), message))
  }
})

describe("a machine that is broken on purpose", () => {
  afterEach(() => vi.restoreAllMocks())

  /** Sends the machine random events, the same ones in each call. */
  const run = () => {
    const rng = new Protocol.Xoshiro128(1)
    const config = { active: 3, passive: 3, threshold: 1, maxIds: 4 }
    for (let seed = 0; seed < 40; seed++) runSteps(config, seed, randomSteps(rng, 200))
  }

  it("passes as it is", run)

  const defects: ReadonlyArray<readonly [string, RegExp, () => unknown]> = [
    [
      "keeps a lost neighbour in the tree",
      /the tree's peers are not the neighbours/,
      () => vi.spyOn(PlumTree.prototype, "neighborDown").mockImplementation(() => {}),
    ],
    [
      "keeps a request after its time-out",
      /has no timer/,
      () => vi.spyOn(HyParView.prototype, "onNeighborRequestTimer").mockImplementation(() => {}),
    ],
    [
      "sends no announcements when their timer expires",
      /0 DispatchLazyPush timers run instead of 1/,
      () => vi.spyOn(PlumTree.prototype, "onDispatchTimer").mockImplementation(() => {}),
    ],
    [
      "ignores closed connections",
      /is disconnected but its connection is still used|closed but still used|has no connection/,
      () => vi.spyOn(HyParView.prototype, "connectionClosed").mockImplementation(() => {}),
    ],
  ]
  for (const [what, message, breakMachine] of defects) {
    it(`is found when it ${what}`, () => {
      breakMachine()
      assert.throws(run, message)
    })
  }
})
