/** The command `call`, and `node --serve echo` that answers it, as programs on an embedded testnet. */
import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect } from "effect"
import { oneLine, run, start } from "./startCommand.ts"

const topic = ["--topic", "t", "--secret", "0123456789abcdef0123456789abcdef"]
const call = [...topic, "--access", "members", "--method", "echo", "--data", "is this on?"]

const linesOf = (out: string) =>
  out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)

describe.concurrent("call", { timeout: 90_000 }, () => {
  it.live.each([
    { args: call, message: "--member ID or --all: give one of them" },
    { args: [...call, "--all", "--member", "ab".repeat(32)], message: "--member ID or --all: give one of them" },
    { args: [...call, "--member", "ada"], message: '--member: "ada" is not the id of a node, 64 hexadecimal digits' },
    { args: [...call, "--all", "--method", "shout"], message: "--method is given more than once" },
  ])("$args: one line that names the error, and exit code 2", ({ args, message }) =>
    Effect.gen(function* () {
      const { code, err, out } = yield* run("call", args)
      assert.include(err, message)
      assert.isTrue(oneLine(err), err)
      assert.deepStrictEqual([out, code], ["", 2])
    }),
  )

  it.live("one that serves answers with the same text and hears who called; one that does not is an error", () =>
    Effect.gen(function* () {
      const { addresses } = yield* DhtTestnet.make({ nodes: 20 })
      const common = ["--bootstrap", `127.0.0.1:${addresses[0]?.port}`, "--json"]
      const node = [...topic, "--access", "members", ...common]
      const server = yield* start("node", [...node, "--serve", "echo"])
      const silent = yield* start("node", node)
      for (const { prints } of [server, silent]) yield* prints('"joined"')
      const [serverId, silentId] = yield* Effect.forEach([server, silent], ({ outSoFar }) =>
        Effect.map(outSoFar, (out) => String(linesOf(out.slice(0, out.indexOf("\n")))[0]?.endpointId)),
      )
      const one = yield* run("call", [...call, ...common, "--member", serverId!])
      assert.strictEqual(one.code, 0, one.err)
      const [answer, ...others] = linesOf(one.out)
      assert.deepInclude(answer, { member: serverId, result: "is this on?" })
      assert.isNumber(answer?.ms)
      assert.deepStrictEqual(others, [])
      yield* server.printsMatch(/"event":"call","t":[\d.]+,"from":"[0-9a-f]{64}","method":"echo"/)

      const all = yield* run("call", [...call, ...common, "--all", "--least", "2"])
      const more = yield* run("call", [...call, ...common, "--all", "--least", "3", "--seconds", "2"])
      assert.deepStrictEqual([more.out, more.code], ["", 1])
      // How many it finds in this time depends on the machine.
      assert.match(more.err, /(no member of the topic was|only [12] of 3 members were) found within 2 s/)
      const answers = linesOf(all.out)
      assert.deepInclude(
        answers.find(({ member }) => member === serverId),
        { result: "is this on?" },
      )
      assert.match(String(answers.find(({ member }) => member === silentId)?.error), /no peer streams/)
      assert.match(all.err, /1 of 2 members did not answer\n$/)
      assert.strictEqual(all.code, 1)
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
