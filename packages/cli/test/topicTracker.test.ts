/** The installed program: the bundle, as it is published, run by Node alone. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { loaders } from "../src/loaders.ts"
import { commandNames, summaries } from "../src/summaries.ts"
import { bundle, hasProgram, run } from "./bundle.ts"

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
const { folder, make, program, remove, topicTracker } = bundle()

/** Runs it at a terminal of so many columns, and gives all that the terminal shows. */
const atTerminal = (columns: number, args: string, env?: NodeJS.ProcessEnv) =>
  run("script", ["-qec", `stty cols ${columns} rows 60; "${process.execPath}" "${program}" ${args}`, "/dev/null"], {
    TERM: "xterm-256color",
    ...env,
  })

/** The modules of the bundle that `--help` loads, in their order, each with its bytes. */
const loadedForHelp = async () => {
  const hooks = 'import{registerHooks}from"node:module";registerHooks({load(u,c,n){console.error(u);return n(u,c)}})'
  const { err } = await run(process.execPath, [
    `--import=data:text/javascript,${encodeURIComponent(hooks)}`,
    program,
    "--help",
  ])
  return err
    .split("\n")
    .filter((url) => url.startsWith("file:"))
    .map((url) => {
      const path = fileURLToPath(url)
      return { name: path.slice(folder.length + 1), bytes: readFileSync(path).length }
    })
}

const codeFiles = () => readdirSync(folder).filter((name) => name.endsWith(".js") && !name.startsWith("echarts"))

const bytesOf = (modules: ReadonlyArray<{ readonly bytes: number }>) =>
  modules.reduce((sum, { bytes }) => sum + bytes, 0)

describe.concurrent("topic-tracker", { timeout: 120_000 }, () => {
  beforeAll(make, 120_000)
  afterAll(remove)

  it("needs no package but the native one; the licences of what is in it are beside it", () => {
    const licences = readFileSync(join(folder, "LICENSES.txt"), "utf8")
    for (const name of ["effect ", "@effect/platform-node ", "@noble/curves ", "echarts "])
      assert.include(licences, name)
    assert.include(licences, "MIT License")
    const imported = codeFiles().flatMap((name) =>
      [
        ...readFileSync(join(folder, name), "utf8").matchAll(
          /^(?:import|export)\b.* from "([^"]+)"|\bimport\("([^"]+)"\)/gm,
        ),
      ].map((match) => match[1] ?? match[2]!),
    )
    assert.includeMembers(imported, ["node:fs", "./rootCommand.js"])
    const others = imported.filter(
      (name) => !(name.startsWith("node:") || (name.startsWith("./") && existsSync(join(folder, name)))),
    )
    assert.deepStrictEqual(
      [...new Set(others)].filter((name) => !["crypto", "events"].includes(name)),
      ["@number0/iroh"],
    )
  })

  it("--help loads a third of the code, and next to nothing before Node keeps what it compiles", async () => {
    const modules = await loadedForHelp()
    const root = modules.findIndex(({ name }) => name === "rootCommand.js")
    assert.isAbove(root, 0)
    assert.isBelow(bytesOf(modules.slice(0, root)), 10_000)
    const all = codeFiles().map((name) => ({ bytes: readFileSync(join(folder, name)).length }))
    assert.isBelow(bytesOf(modules), bytesOf(all) * 0.4)
    assert.deepStrictEqual(
      modules.filter(({ name }) => /Command\.js$/.test(name)).map(({ name }) => name),
      ["rootCommand.js"],
    )
  })

  describe("compiled code", () => {
    const home = mkdtempSync(join(tmpdir(), "topic-tracker-home-"))
    afterAll(() => rmSync(home, { recursive: true }))
    /** Starts it with these variables; it never says a word about its cache. */
    const version = async (env: NodeJS.ProcessEnv) => {
      const ended = await topicTracker(["--version"], { TOPIC_TRACKER_CACHE: "", NODE_COMPILE_CACHE: "", ...env })
      assert.deepStrictEqual(ended, { code: 0, err: "", out: `topic-tracker v${manifest.version}\n` })
    }
    const keptIn = (cache: string): ReadonlyArray<string> => {
      const compiled = join(cache, "compiled")
      return existsSync(compiled) ? readdirSync(compiled, { recursive: true }).map(String) : []
    }

    it("is kept in the user's cache folder, or in that of TOPIC_TRACKER_CACHE", async () => {
      const cache = join(home, "caches")
      mkdirSync(cache)
      await version({ XDG_CACHE_HOME: cache })
      const kept = keptIn(join(cache, "topic-tracker"))
      assert.isAbove(kept.length, 5)
      await version({ XDG_CACHE_HOME: cache })
      assert.deepStrictEqual(keptIn(join(cache, "topic-tracker")), kept)
      await version({ TOPIC_TRACKER_CACHE: join(home, "other") })
      assert.isAbove(keptIn(join(home, "other")).length, 5)
    })

    it("is not kept if nothing is to be kept, nowhere, and where it cannot be written", async () => {
      await version({ TOPIC_TRACKER_CACHE: "none", XDG_CACHE_HOME: join(home, "none") })
      await version({ HOME: join(home, "missing"), XDG_CACHE_HOME: "" })
      await version({ HOME: "", XDG_CACHE_HOME: "" })
      writeFileSync(join(home, "file"), "")
      await version({ XDG_CACHE_HOME: join(home, "file") })
      // A folder of the kernel, in which nothing can be made.
      await version({ XDG_CACHE_HOME: "/proc/topic-tracker" })
      assert.deepStrictEqual(
        ["none", "missing"].filter((name) => existsSync(join(home, name))),
        [],
      )
    })

    it.skipIf(process.getuid?.() !== 0)("is neither kept in nor read from a folder of another user", async () => {
      const cache = join(home, "another's")
      mkdirSync(cache)
      chownSync(cache, 65_534, 65_534)
      await version({ XDG_CACHE_HOME: cache })
      assert.deepStrictEqual(readdirSync(cache), [])
    })
  })

  it("--version is that of the package", async () => {
    const { code, err, out } = await topicTracker(["--version"])
    assert.deepStrictEqual({ code, err, out }, { code: 0, err: "", out: `topic-tracker v${manifest.version}\n` })
  })

  it("--help lists each command with its line, and loads none of them", async () => {
    const loaded = "process.on('exit', () => console.error(JSON.stringify(process.report.getReport().sharedObjects)))"
    const { code, err, out } = await run(process.execPath, [
      `--import=data:text/javascript,${loaded}`,
      program,
      "--help",
    ])
    assert.strictEqual(code, 0)
    for (const name of commandNames) assert.match(out, new RegExp(`^ +${name} +${summaries[name]}$`, "m"))
    assert.include(out, "EXAMPLES")
    assert.notInclude(err, "iroh")
  })

  it("each command has an example, and the line that the list has", async () => {
    for (const name of commandNames) {
      const command = await loaders[name]()
      assert.strictEqual(command.name, name)
      assert.strictEqual(command.shortDescription, summaries[name])
      assert.isNotEmpty(command.examples, name)
    }
  })

  it.each(commandNames)("%s --help: its own help", async (name) => {
    const { code, out } = await topicTracker([name, "--help"])
    assert.strictEqual(code, 0)
    assert.include(out, `topic-tracker ${name}`)
    assert.include(out, "EXAMPLES")
  })

  it.each([
    { args: ["nod"], message: '"nod" is no command; did you mean node?' },
    { args: ["xyzxyz"], message: '"xyzxyz" is no command; there are demo, chat, node,' },
    {
      args: ["--topic", "t", "node"],
      message: "--topic is none of --help, --version, --completions, --log-level; the",
    },
    { args: ["node", "--every", "soon"], message: '--every: "soon" is not an integer' },
    { args: ["node", "--fast"], message: "--fast is no option of this command" },
    { args: ["invite", "--topic", "t"], message: "the secret is missing: give --secret-file PATH" },
  ])("$args: one line that names the error, and exit code 2", async ({ args, message }) => {
    const { code, err, out } = await topicTracker(args)
    assert.include(err, message)
    assert.strictEqual(err.trim().split("\n").length, 1, err)
    assert.deepStrictEqual([code, out], [2, ""])
  })

  it("without a command: the help, and exit code 2", async () => {
    const { code, err, out } = await topicTracker([])
    assert.deepStrictEqual([code, err], [2, ""])
    assert.strictEqual(out, (await topicTracker(["--help"])).out)
  })

  it("invite: the same text as the workspace's script", async () => {
    const args = ["invite", "--topic", "crew", "--secret", "s"]
    const { code, out } = await topicTracker(args)
    const source = fileURLToPath(new URL("../src/invite.ts", import.meta.url))
    const script = await run(process.execPath, ["--conditions=@topic-tracker/source", source, ...args.slice(1)])
    assert.deepStrictEqual([code, out], [0, script.out])
  })

  it("sim: with worker threads and a page of charts, where no other package is", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "topic-tracker-alone-"))
    try {
      cpSync(folder, elsewhere, { recursive: true })
      const scenario =
        'seeds = [1]\n[[scenario]]\nsim = "Topics"\nname = "three"\nnodes = 3\nduration = "30s"\narrive_over = "1s"\n'
      writeFileSync(join(elsewhere, "three.toml"), scenario)
      const report = join(elsewhere, "report.html")
      const args = ["sim", "--config", join(elsewhere, "three.toml"), "--report", report]
      const { code, err, out } = await run(process.execPath, [join(elsewhere, "topic-tracker.js"), ...args])
      assert.match(out, /^three +1 /m)
      assert.deepStrictEqual([code, err], [0, ""])
      assert.isAbove(readFileSync(report, "utf8").length, 1_000_000)
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })

  it("demo: three nodes meet, with the native part loaded", async () => {
    const { code, out } = await topicTracker(["demo"])
    assert.include(out, "Every node heard every other.")
    assert.strictEqual(code, 0)
  })

  describe.skipIf(!hasProgram("script"))("at a terminal", () => {
    it.each(["--help", "node --help", "doctor --help"])("60 columns are enough for %s", async (args) => {
      const { out } = await atTerminal(60, args, { NO_COLOR: "1" })
      assert.include(out, "USAGE")
      for (const line of out.split(/\r?\n/)) assert.isAtMost(line.length, 60, line)
    })

    it("has colours, unless NO_COLOR is set", async () => {
      assert.include((await atTerminal(80, "--help")).out, "\u001b[")
      assert.notInclude((await atTerminal(80, "--help", { NO_COLOR: "1" })).out, "\u001b[")
    })

    it("asks for a secret, and does not show it", async () => {
      const command = `"${process.execPath}" "${program}" invite --topic crew`
      const { TOPIC_TRACKER_SECRET: _, ...env } = process.env
      const child = spawn("script", ["-qec", command, "/dev/null"], { env: { ...env, TERM: "xterm-256color" } })
      let out = ""
      child.stdout.on("data", (chunk) => {
        if (!out.includes("secret of the topic") && `${out}${chunk}`.includes("secret of the topic")) {
          child.stdin.write("hush-5413\r")
        }
        out += chunk
      })
      await once(child, "close")
      const { out: expected } = await topicTracker(["invite", "--topic", "crew", "--secret", "hush-5413"])
      assert.include(out, expected.trim())
      assert.notInclude(out, "hush-5413")
    })
  })

  it("ends without a message when its output is closed", async () => {
    const line = `"${process.execPath}" "${program}" --completions bash | head -n 1`
    const { err, out } = await run("sh", ["-c", line])
    assert.strictEqual(err, "")
    assert.strictEqual(out.trim().split("\n").length, 1)
  })
})
