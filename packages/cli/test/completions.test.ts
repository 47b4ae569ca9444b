/**
 * The completions of the command, in the shells: each is started at a terminal of its own with the script at the place that the script itself
 * names, and gets what a user types. The command then says what it was called with.
 */
import { spawn } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { commandNames } from "../src/summaries.ts"
import { bundle, hasProgram } from "./bundle.ts"

const { make, program, remove, topicTracker } = bundle()
const home = mkdtempSync(join(tmpdir(), "topic-tracker-shells-"))

/** Where a shell looks for the script and for its own settings, and how it is started. All have the prompt "READY> ". */
const SHELLS = {
  bash: {
    script: "completions.bash",
    settings: [".bashrc", `. "${home}/completions.bash"\nPS1='READY> '\n`],
    command: `bash --noprofile --rcfile "${home}/.bashrc" -i`,
  },
  zsh: {
    script: "functions/_topic-tracker",
    settings: [
      ".zshrc",
      `fpath=("${home}/functions" $fpath)\nautoload -Uz compinit && compinit -u -d "${home}/dump"\nPS1='READY> '\n`,
    ],
    command: "zsh -i",
  },
  fish: {
    script: "fish/completions/topic-tracker.fish",
    settings: ["fish/config.fish", "set -g fish_greeting\nfunction fish_prompt\n  echo 'READY> '\nend\n"],
    command: "fish -i",
  },
} as const

/** Lines to type, each with what the terminal shows if the Tab completed the word. Every second completion is one, too. */
const LINES = [
  ["topic-tracker n\t--help\r", "topic-tracker node [flags]"],
  ["topic-tracker testnet --nod\t0\r", '--nodes: "0" is not an integer'],
  ["topic-tracker testnet --por\tx\r", '--port: "x" is not a port'],
  ["topic-tracker doc\t--time-s\t:\r", '--time-server: ":" is not HOST'],
  ["exit\r", ""],
] as const

/** Types the lines, each when the shell asks for one, and gives all that the terminal showed. */
const type = (command: string, lines: ReadonlyArray<readonly [typed: string, shown: string]>): Promise<string> =>
  new Promise((resolve) => {
    const child = spawn("script", ["-qec", `stty cols 200 rows 60; exec ${command}`, join(home, "typescript")], {
      env: {
        ...process.env,
        HOME: home,
        NO_COLOR: "1",
        PATH: `${home}/bin${delimiter}${process.env.PATH}`,
        TERM: "xterm-256color",
        TOPIC_TRACKER_CACHE: "none",
        XDG_CONFIG_HOME: home,
        XDG_DATA_HOME: home,
        ZDOTDIR: home,
      },
    })
    const left = [...lines]
    let shown = ""
    let expected = ""
    /** Up to here all is as expected. */
    let at = 0
    const step = (): void => {
      const rest = stripVTControlCharacters(shown)
      for (const text of [expected, "READY> "]) {
        const found = rest.indexOf(text, at)
        if (found < 0) return
        at = found + text.length
        expected = ""
      }
      const next = left.shift()
      if (next === undefined) return
      expected = next[1]
      child.stdin.write(next[0])
    }
    const limit = setTimeout(() => child.kill("SIGKILL"), 40_000)
    child.stdout.on("data", (chunk) => {
      shown += chunk
      step()
    })
    child.once("close", () => {
      clearTimeout(limit)
      resolve(stripVTControlCharacters(shown))
    })
  })

describe.concurrent("completions", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    make()
    mkdirSync(join(home, "bin"))
    writeFileSync(join(home, "bin/topic-tracker"), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`)
    chmodSync(join(home, "bin/topic-tracker"), 0o755)
  }, 120_000)
  afterAll(() => {
    rmSync(home, { recursive: true })
    remove()
  })

  for (const [name, { command, script, settings }] of Object.entries(SHELLS)) {
    const missing = [name, "script"].filter((each) => !hasProgram(each))
    const title = missing.length === 0 ? name : `${name} (not run: no program ${missing.join(", ")})`

    it(`${name}: the script has all commands and their options`, async () => {
      const { code, out } = await topicTracker(["--completions", name])
      assert.strictEqual(code, 0)
      for (const each of commandNames) assert.include(out, each)
      for (const option of ["secret-file", "time-server", "nodes"]) assert.include(out, option)
    })

    // bash is everywhere, so that at least one shell is not skipped.
    it.skipIf(name !== "bash" && missing.length > 0)(`${title}: completes commands and options`, async () => {
      const files = [[script, (await topicTracker(["--completions", name])).out], settings] as const
      for (const [path, text] of files) {
        mkdirSync(join(home, path, ".."), { recursive: true })
        writeFileSync(join(home, path), text)
      }
      const shown = await type(command, LINES)
      for (const [, text] of LINES) assert.include(shown, text)
    })
  }
})
