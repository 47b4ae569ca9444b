/** The installed program: one bundled file, as it is published, run by Node alone. */
import { execFile, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { loaders } from "../src/loaders.ts"
import { commandNames, summaries } from "../src/summaries.ts"

const workspace = fileURLToPath(new URL("../../..", import.meta.url))
const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
/** Below the workspace, where the native dependency is found as beside an installed package. */
const cache = join(workspace, "node_modules", ".cache")
mkdirSync(cache, { recursive: true })
const folder = mkdtempSync(join(cache, "bundle-"))
const program = join(folder, "topic-tracker.js")

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

const exec = promisify(execFile)

/** Runs a program to its end. The terminal's variables are those of the test only. */
const run = async (file: string, args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}): Promise<Ended> => {
  const { FORCE_COLOR: _, ...rest } = process.env
  try {
    const { stderr, stdout } = await exec(file, args, { env: { ...rest, NODE_OPTIONS: "", ...env }, timeout: 90_000 })
    return { code: 0, out: stdout, err: stderr }
  } catch (error) {
    const { code, stderr, stdout } = error as { code: number; stderr: string; stdout: string }
    return { code, out: stdout, err: stderr }
  }
}

const topicTracker = (args: ReadonlyArray<string>, env?: NodeJS.ProcessEnv) =>
  run(process.execPath, [program, ...args], env)

/** Runs it at a terminal of so many columns, and gives all that the terminal shows. */
const atTerminal = (columns: number, args: string, env?: NodeJS.ProcessEnv) =>
  run("script", ["-qec", `stty cols ${columns} rows 60; "${process.execPath}" "${program}" ${args}`, "/dev/null"], {
    TERM: "xterm-256color",
    ...env,
  })

const hasProgram = (name: string): boolean => {
  try {
    execFileSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

describe.concurrent("topic-tracker", { timeout: 120_000 }, () => {
  beforeAll(() => {
    execFileSync(process.execPath, [join(workspace, "scripts", "bundle.ts"), folder], { stdio: "ignore" })
  }, 120_000)
  afterAll(() => rmSync(folder, { recursive: true }))

  it("is one file; the licences of what is in it are beside it", () => {
    const licences = readFileSync(join(folder, "LICENSES.txt"), "utf8")
    for (const name of ["effect ", "@effect/platform-node ", "@noble/curves ", "echarts "])
      assert.include(licences, name)
    assert.include(licences, "MIT License")
    const imports = [...readFileSync(program, "utf8").matchAll(/^import .* from "([^"]+)"/gm)].map((match) => match[1]!)
    assert.deepStrictEqual(
      imports.filter((name) => !name.startsWith("node:")),
      [],
    )
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
    { args: ["nothing"], message: "nothing" },
    { args: ["node", "--every", "soon"], message: '--every: "soon" is not an integer' },
    { args: ["node", "--fast"], message: "--fast is no option of this command" },
    { args: ["invite", "--topic", "t"], message: "the secret is missing: give --secret-file PATH" },
  ])("$args: one line that names the error, and exit code 2", async ({ args, message }) => {
    const { code, err, out } = await topicTracker(args)
    assert.include(err, message)
    assert.strictEqual(err.trim().split("\n").length, 1, err)
    assert.deepStrictEqual([code, out], [2, ""])
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

  it.each(["bash", "zsh", "fish"])("--completions %s: all commands and their options", async (shell) => {
    const { code, out } = await topicTracker(["--completions", shell])
    assert.strictEqual(code, 0)
    for (const name of commandNames) assert.include(out, name)
    for (const option of ["secret-file", "time-server", "nodes"]) assert.include(out, option)
  })

  it.skipIf(!hasProgram("bash"))("bash completes commands and options", async () => {
    const { out: script } = await topicTracker(["--completions", "bash"])
    const name = /complete .*-F (\S+) topic-tracker/.exec(script)?.[1]
    assert.isString(name)
    const complete = async (...words: ReadonlyArray<string>) => {
      const array = words.map((word) => `'${word}'`).join(" ")
      const program = `${script}\nCOMP_LINE='${words.join(" ")}'; COMP_POINT=\${#COMP_LINE}; COMP_WORDS=(${array}); COMP_CWORD=${words.length - 1}; ${name}; printf '%s\\n' "\${COMPREPLY[@]}"`
      return (await run("bash", ["-c", program])).out.trim().split("\n")
    }
    assert.includeMembers(await complete("topic-tracker", ""), [...commandNames])
    assert.deepStrictEqual(await complete("topic-tracker", "doc"), ["doctor"])
    assert.includeMembers(await complete("topic-tracker", "node", "--se"), [
      "--secret",
      "--secret-file",
      "--send",
      "--seconds",
    ])
  })

  it.each(["zsh", "fish"].filter(hasProgram))("%s can read the completions", async (shell) => {
    const { out: script } = await topicTracker(["--completions", shell])
    const { code, err } = await run(shell, ["-n", "-c", script])
    assert.deepStrictEqual([code, err], [0, ""])
  })
})
