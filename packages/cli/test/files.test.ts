/** `send-file` and `receive-file` as programs on an embedded testnet, and the line that shows how far a file is. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Effect } from "effect"
import { progressLine, showBytes } from "../src/fileProgress.ts"
import { whyUnsafe } from "../src/fileTopic.ts"
import { oneLine, run, scratch, start } from "./startCommand.ts"

describe("the line of a file", () => {
  it("fits every terminal, and says less in a narrow one", () => {
    const progress = { done: 45_600_000, size: 104_857_600, bytesPerSecond: 9_870_000, members: 3 }
    for (let columns = 0; columns <= 200; columns++) {
      const line = progressLine(progress, columns)
      assert.isBelow(line.length, Math.max(1, columns), `${columns} columns: ${line}`)
      if (columns >= 6) assert.include(line, "43 %")
    }
    assert.strictEqual(
      progressLine(progress, 80),
      "[############----------------]  43 %  46 MB of 105 MB, 9.9 MB/s, 7 s, 3 members",
    )
    assert.strictEqual(progressLine(progress, 24), " 43 %  9.9 MB/s")
    assert.match(progressLine({ ...progress, size: 0, done: 0 }, 60), /100 %/)
  })

  it("shows bytes with three digits", () => {
    assert.deepStrictEqual([0, 999, 1_000, 9_949, 9_950, 999_499, 999_500, 3.2e12].map(showBytes), [
      "0 B",
      "999 B",
      "1.0 kB",
      "9.9 kB",
      "10 kB",
      "999 kB",
      "1.0 MB",
      "3.2 TB",
    ])
  })
})

describe("a name that a member gives", () => {
  it("is taken only if it is a file in this folder on every system", () => {
    for (const name of ["tides.bin", "a", "naïve ✓.tar.gz", "-rf", "x".repeat(255)])
      assert.isUndefined(whyUnsafe(name), name)
    for (const name of [
      "",
      ".",
      "..",
      "../x",
      "a/b",
      "/etc/passwd",
      "a\\b",
      "C:x",
      ".bashrc",
      "a\nb",
      "a\u001b[2J",
      "a\u202Etxt.exe",
      "a\u0000",
      "con",
      "NUL.txt",
      "x.",
      "x ",
      "a?b",
    ]) {
      assert.isString(whyUnsafe(name), JSON.stringify(name))
    }
  })
})

const topic = ["--topic", "files", "--secret", "0123456789abcdef0123456789abcdef"]
const HASH = "ab".repeat(32)

describe.concurrent("send-file and receive-file", { timeout: 90_000 }, () => {
  it.live.each([
    { command: "receiveFile", args: [...topic, "abc"], message: "the hash of a file, 64 hexadecimal digits" },
    { command: "receiveFile", args: [...topic], message: "HASH" },
    { command: "sendFile", args: [...topic, "/no/such/file"], message: "/no/such/file: no such file or directory" },
    { command: "sendFile", args: [...topic, "/"], message: "/: is no file" },
    { command: "receiveFile", args: [...topic, "--to", "/", HASH], message: "/: exists already" },
    {
      command: "receiveFile",
      args: [...topic, "--to", "/no/such/file", HASH],
      message: "/no/such/file: no such file or directory",
    },
    { command: "receiveFile", args: [...topic, "--seconds", "0", HASH], message: "--seconds" },
    { command: "sendFile", args: [...topic, "--relay", "relay.example.org", "/x"], message: '--relay: "relay.example' },
    { command: "receiveFile", args: [...topic, "--relay", "none,x", HASH], message: '--relay: "none,x" is not URL' },
  ])("$command $args: one line that names the error, and exit code 2", ({ args, command, message }) =>
    Effect.gen(function* () {
      const { code, err, out } = yield* run(command, [...args, "--bootstrap", "127.0.0.1:1"])
      assert.include(err, message)
      assert.isTrue(oneLine(err), err)
      assert.deepStrictEqual([out, code], ["", 2])
    }),
  )

  it.live("a file arrives; a receiver that was killed goes on; what is in the way is said", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      const { addresses } = yield* DhtTestnet.make({ nodes: 20 })
      const common = [...topic, "--bootstrap", `127.0.0.1:${addresses[0]?.port}`]
      const bytes = Buffer.alloc(10_000_000)
      for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE(Math.imul(i, 2_654_435_761) >>> 0, i)
      const path = join(folder, "tides.bin")
      yield* Effect.promise(() => writeFile(path, bytes))
      const sender = yield* start("sendFile", [...common, "--relay", "none", "--json", path])
      yield* sender.prints('"shared"')
      const hash = /"hash":"([0-9a-f]{64})"/.exec(yield* sender.outSoFar)?.[1] ?? ""

      // Without a terminal: no control characters, a line for each tenth.
      const there = join(folder, "there")
      yield* Effect.promise(() => mkdir(there))
      const first = yield* start("receiveFile", [...common, "--json", hash], { folder: there })
      yield* first.prints('"progress"')
      yield* first.signal("SIGKILL")
      assert.include(yield* Effect.promise(() => readdir(there)), `${hash}.part`)
      // Ctrl-C says that it can go on.
      const stopped = yield* start("receiveFile", [...common, "--json", hash], { folder: there })
      yield* stopped.prints('"progress"')
      yield* stopped.signal("SIGINT")
      const { code, out } = yield* stopped.ended
      assert.deepStrictEqual([code, /"event":"stopped","verified":\d+/.test(out)], [130, true])
      const second = yield* run("receiveFile", [...common, hash], { folder: there })
      assert.strictEqual(second.code, 0, second.err)
      assert.match(second.err, /tides\.bin, 10 MB, .* are here already/)
      assert.notInclude(second.err, "\u001b")
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(there)), ["tides.bin"])
      assert.isTrue(bytes.equals(yield* Effect.promise(() => readFile(join(there, "tides.bin")))))
      const sent = Number(/.*"event":"sent","bytes":(\d+)/s.exec(yield* sender.outSoFar)?.[1])
      assert.isBelow(sent, bytes.length * 1.3)

      const third = yield* run("receiveFile", [...common, hash], { folder: there })
      assert.include(third.err, '"tides.bin" exists already in this folder: give --to PATH')
      assert.strictEqual(third.code, 2)
      const nobody = yield* run("receiveFile", [...common, "--seconds", "2", "--to", join(folder, "x"), HASH])
      assert.include(nobody.err, `${HASH}: no peer has it`)
      assert.strictEqual(nobody.code, 1)
      assert.include(yield* Effect.promise(() => readdir(folder)), "tides.bin")
    }).pipe(Effect.provide(Crypto.layer())),
  )
})
