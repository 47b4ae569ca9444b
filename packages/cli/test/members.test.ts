/** Members-only topics, channels and invitations of the commands `node` and `invite`, as programs on an embedded testnet. */
import { assert, describe, it } from "@effect/vitest"
import { EndpointId, Topic, TopicTracker } from "@topic-tracker/core"
import * as Invite from "@topic-tracker/core/Invite"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect, Redacted, Schema } from "effect"
import { oneLine, run, start } from "./startCommand.ts"

const SECRET = "0123456789abcdef0123456789abcdef"
const topic = ["--topic", "t", "--secret", SECRET]
const members = [...topic, "--access", "members"]

interface Event {
  readonly event: string
  readonly [field: string]: unknown
}

const eventsOf = (out: string) =>
  out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Event)

describe.concurrent("members-only topics of the commands", { timeout: 90_000 }, () => {
  it.live.each([
    {
      command: "node",
      args: [...topic, "--channel", "chat"],
      message:
        "--channel: only a members-only topic has channels; give --access members, or an invitation to such a topic",
    },
    {
      command: "node",
      args: [...topic, "--presence", "{}"],
      message:
        "--presence: only a members-only topic shows its members; give --access members, or an invitation to such a topic",
    },
    {
      command: "node",
      args: [...members, "--presence", "{name: 1}"],
      message: "is not JSON of at most 248 bytes",
    },
    {
      command: "node",
      args: [...members, "--channel", "ä".repeat(33)],
      message: '" is not a name of 1 to 64 bytes of UTF-8',
    },
    {
      command: "node",
      args: [...topic, "--access", "closed"],
      message: '--access: "closed" is not "open" | "members"',
    },
    { command: "node", args: ["--invite", "come in"], message: "--invite: it does not begin with tt1" },
    {
      command: "node",
      args: [...topic, "--bootstrap", "127.0.0.1:9", "--send", "long ".repeat(1_000), "--json"],
      message: "--send: 5016 bytes; must be at most ",
    },
    {
      command: "invite",
      args: [...topic, "--expires", "soon"],
      message: '--expires: "soon" is not a time such as "1 day" or "30 minutes"',
    },
    {
      command: "invite",
      args: [...topic, "--peer", "127.0.0.1:6881"],
      message: '--peer: "127.0.0.1:6881" is not ID@IP:PORT[,IP:PORT] with the id of a node',
    },
    {
      command: "invite",
      args: ["--topic", "t".repeat(500), "--secret", SECRET],
      message: "invitation: topic and secret: 875 characters; at most 700",
    },
  ])("$command $args: one line that names the error, and exit code 2", ({ args, command, message }) =>
    Effect.gen(function* () {
      const { code, err, out } = yield* run(command, args)
      assert.include(err, message)
      assert.isTrue(oneLine(err), err)
      // No error shows an invitation or a secret.
      assert.notInclude(err, SECRET)
      assert.notMatch(err, /tt1[a-z0-9]{9}/)
      // Also no event: nothing was started.
      assert.strictEqual(out, "")
      assert.strictEqual(code, 2)
    }),
  )

  it.live("invite: prints one line, which has what was given", () =>
    Effect.gen(function* () {
      const id = EndpointId.fromBytes(new Uint8Array(32).fill(7))
      const peer = ["--peer", `${id}@127.0.0.1:4000,[::1]:4000`]
      const { code, err, out } = yield* run("invite", [...members, "--expires", "1 day", ...peer])
      assert.deepStrictEqual({ code, err }, { code: 0, err: "" })
      const invite = yield* Invite.parse(out)
      assert.deepInclude(invite, { topic: "t", access: "members" })
      assert.strictEqual(new TextDecoder().decode(Redacted.value(invite.secret)), SECRET)
      assert.approximately(invite.expires!, Date.now() + 86_400_000, 60_000)
      assert.deepStrictEqual(
        invite.peers.map(({ address, id }) => [id, address.direct]),
        [[id, ["127.0.0.1:4000", "[::1]:4000"]]],
      )
      const open = yield* Invite.parse((yield* run("invite", topic)).out)
      assert.deepInclude(open, { access: "open", expires: undefined, peers: [] })
    }),
  )

  it.live("invite --qr: the code follows the line, also in a pipe, and fits 60 columns", () =>
    Effect.gen(function* () {
      const { out } = yield* run("invite", [...members, "--qr"])
      const [text, blank, ...code] = out.trimEnd().split("\n")
      assert.match(text!, /^tt1[a-z0-9]+$/)
      assert.strictEqual(blank, "")
      assert.isAtLeast(code.length, 17)
      for (const line of code) assert.match(line, /^[█▀▄ ]{33,60}$/)
    }),
  )

  it.live("node --presence: members see each other's state, and the one that leaves", () =>
    Effect.gen(function* () {
      const { addresses } = yield* DhtTestnet.make({ nodes: 20 })
      const common = [...members, "--bootstrap", `127.0.0.1:${addresses[0]?.port}`, "--json"]
      const stays = yield* start("node", [...common, "--presence", '{"name":"Ada"}'])
      const leaves = yield* start("node", [...common, "--presence", "[1,null]"])
      yield* stays.printsMatch(/"change":"joined","state":\[1,null\]/)
      yield* leaves.printsMatch(/"change":"joined","state":{"name":"Ada"}/)
      yield* leaves.signal("SIGINT")
      const gone = (yield* leaves.ended).out
      yield* stays.printsMatch(/"change":"left","state":\[1,null\]/)
      yield* stays.signal("SIGINT")
      const { code, out } = yield* stays.ended
      assert.strictEqual(code, 0)
      // On a busy machine a member may have been suspected for a moment.
      const heard = eventsOf(out).filter(({ change, event }) => event === "member" && change !== "updated")
      const ids = [out, gone].map((each) => eventsOf(each)[0]?.endpointId)
      assert.deepStrictEqual(
        heard.map(({ change, member }) => [change, ids.indexOf(member)]),
        [
          ["joined", 0],
          ["joined", 1],
          ["left", 1],
        ],
      )
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live(
    "node --channel: members and an invited one hear each other in order, also equal texts, and no outsider does",
    () =>
      Effect.gen(function* () {
        const { addresses } = yield* DhtTestnet.make({ nodes: 20 })
        const common = ["--bootstrap", `127.0.0.1:${addresses[0]?.port}`, "--every", "100", "--json"]
        const channel = ["--channel", "chat", "--send", "hello"]
        const member = yield* start("node", [...members, ...channel, ...common, "--print-invite"])
        yield* member.prints('"event":"invite"')
        const { invite } = eventsOf(yield* member.outSoFar).find(({ event }) => event === "invite")!
        // The invitation names the member's address: the one who has it needs no DHT.
        const alone = ["--bootstrap", "127.0.0.1:9", "--every", "100", "--json"]
        const inside = [member, yield* start("node", ["--invite", String(invite), ...channel, ...alone])]
        const outsiders = [
          yield* start("node", [...topic, ...common, "--send", "of the open topic"]),
          yield* start("node", ["--topic", "t", "--secret", "a guess", "--access", "members", ...channel, ...common]),
        ]
        for (const node of inside) yield* node.printsMatch(/"seq":5,/)
        for (const node of [...inside, ...outsiders]) yield* node.signal("SIGINT")
        const outs = yield* Effect.forEach(inside, ({ ended }) => ended)
        const ids = outs.map(({ out }) => eventsOf(out)[0]!)
        for (const [i, { code, err, out }] of outs.entries()) {
          const events = eventsOf(out)
          assert.deepInclude(events[0], { event: "ready", access: "members" })
          const heard = events.filter(({ event }) => event === "channel")
          const first = Number(heard[0]?.seq)
          for (const [n, event] of heard.entries()) {
            assert.deepInclude(event, {
              channel: "chat",
              author: ids[1 - i]?.endpointId,
              seq: first + n,
              text: "hello",
            })
          }
          assert.notInclude(out, "of the open topic")
          assert.strictEqual(code, 0, err)
        }
        for (const { ended } of outsiders) {
          const { code, out } = yield* ended
          assert.deepStrictEqual(
            eventsOf(out).filter(({ event }) => ["joined", "neighbor-up", "message", "channel"].includes(event)),
            [],
          )
          assert.strictEqual(code, 0)
        }
      }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live(
    "node --channel: it is a channel of strings to other programs, and what is no text is no event `channel`",
    () =>
      Effect.gen(function* () {
        const { addresses } = yield* DhtTestnet.make({ nodes: 20 })
        const bootstrap = [{ host: "127.0.0.1", port: addresses[0]!.port }]
        const args = [...members, "--bootstrap", `127.0.0.1:${addresses[0]?.port}`, "--json", "--channel", "chat"]
        const node = yield* start("node", args)
        const program = Effect.gen(function* () {
          const joined = yield* Topic.join({ topic: "t", secret: SECRET, access: "members" })
          const texts = yield* joined.channel("chat", Schema.String)
          const others = yield* joined.channel("chat", Schema.Struct({ celsius: Schema.Finite }))
          yield* texts.publish("of a program")
          yield* others.publish({ celsius: 21 })
          yield* node.prints('"event":"undecodable"')
          return (yield* TopicTracker).endpointId
        })
        const author = yield* program.pipe(
          Effect.scoped,
          Effect.provide(TopicTracker.layer({ config: { dht: { bootstrap } } })),
        )
        yield* node.signal("SIGINT")
        const events = eventsOf((yield* node.ended).out)
        assert.deepInclude(
          events.find(({ event }) => event === "channel"),
          { channel: "chat", author, seq: 1, text: "of a program" },
        )
        assert.deepInclude(
          events.find(({ event }) => event === "undecodable"),
          { channel: "chat", author, seq: 2 },
        )
      }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("node: who comes with another secret is refused, and both are told so", () =>
    Effect.gen(function* () {
      // No DHT: the invitation leads to the member.
      const common = ["--bootstrap", "127.0.0.1:9", "--json"]
      const member = yield* start("node", [...members, ...common])
      yield* member.prints('"ready"')
      const ready = eventsOf(yield* member.outSoFar)[0]!
      const peer = `${ready.endpointId}@${String(ready.addresses)}`
      const invitation = yield* run("invite", [
        "--topic",
        "t",
        "--secret",
        "a guess",
        "--access",
        "members",
        "--peer",
        peer,
      ])
      const guest = yield* start("node", ["--invite", invitation.out.trim(), ...common])
      for (const node of [member, guest]) yield* node.prints('"refused"')
      for (const { signal } of [member, guest]) yield* signal("SIGINT")
      const [atMember, atGuest] = yield* Effect.forEach([member, guest], ({ ended }) => ended)
      const refused = (out: string) => eventsOf(out).find(({ event }) => event === "refused")
      const guestId = eventsOf(atGuest!.out)[0]?.endpointId
      assert.deepInclude(refused(atMember!.out), { peer: guestId, reason: "not here", byPeer: false })
      assert.deepInclude(refused(atGuest!.out), { peer: ready.endpointId, reason: "not here", byPeer: true })
      for (const { out } of [atMember!, atGuest!]) assert.notInclude(out, '"joined"')
    }),
  )

  it.live("node: a wrong secret is told, and ends with one line and exit code 2 when the time is over", () =>
    Effect.gen(function* () {
      const { addresses } = yield* DhtTestnet.make({ nodes: 20 })
      const common = ["--bootstrap", `127.0.0.1:${addresses[0]?.port}`, "--access", "members"]
      const member = yield* start("node", ["--topic", "t", "--secret", SECRET, ...common])
      yield* member.prints("waiting")
      const node = yield* start("node", ["--topic", "t", "--secret", "a guess", "--seconds", "10", ...common])
      const { code, err, out } = yield* node.ended
      // Log lines about the slot and the records, and then:
      assert.match(err, /\d ms {2}warn {5}\d+ records of this topic were read and none opens: check the secret/)
      assert.match(err, /\nthe secret opens none of the \d+ records of this topic; is it right\?\n$/)
      assert.match(out, /closed {3}10 s are over\n$/)
      assert.strictEqual(code, 2)
    }).pipe(Effect.provide(Crypto.layer())),
  )

  it.live("node: a node with the other access is told so", () =>
    Effect.gen(function* () {
      const { addresses } = yield* DhtTestnet.make({ nodes: 20 })
      const common = ["--bootstrap", `127.0.0.1:${addresses[0]?.port}`]
      const member = yield* start("node", [...members, ...common, "--json"])
      const open = yield* start("node", [...topic, ...common, "--json"])
      for (const node of [member, open]) yield* node.prints('"event":"access-mismatch"')
      for (const { signal } of [member, open]) yield* signal("SIGINT")
      const { out } = yield* member.ended
      assert.deepInclude(
        eventsOf((yield* open.ended).out).find(({ event }) => event === "access-mismatch"),
        { theirs: "members" },
      )
      assert.deepInclude(
        eventsOf(out).find(({ event }) => event === "access-mismatch"),
        { theirs: "open" },
      )
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
