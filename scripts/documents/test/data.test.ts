/**
 * The blocks of documents that are neither TypeScript nor shell lines: scenarios, units, container files, JavaScript of other libraries. Each is
 * read by what will read it, or by its grammar. A block of any other language has no check, and is refused.
 */
import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readTopicScenarios } from "../../../packages/simulation/src/scenario/readTopicScenarios.ts"
import { type Fence, fencesBelow } from "../fences.ts"

const root = join(import.meta.dirname, "../../..")
const folder = join(import.meta.dirname, "../dist/data")

/** A part of a scenario needs the rest of it. */
const SCENARIO =
  'seeds = [1]\n[[scenario]]\nsim = "Topics"\nname = "block"\nnodes = 2\nduration = "30s"\narrive_over = "1s"\n'

/** Each fails if the block is wrong. */
const CHECKS: Readonly<Record<string, (fence: Fence) => void>> = {
  toml: ({ code, where }) => {
    const text = code.includes("[[scenario]]") ? code : SCENARIO + code
    const result = readTopicScenarios(text, where)
    assert.isTrue(Result.isSuccess(result), Result.isFailure(result) ? result.failure.message : "")
  },
  ini: ({ code }) => {
    const sections = new Map<string, Array<string>>()
    let keys: Array<string> | undefined
    for (const line of code.split("\n").filter((each) => each !== "" && !each.startsWith("#"))) {
      const section = /^\[(Unit|Service|Install)\]$/.exec(line)?.[1]
      if (section !== undefined) {
        keys = []
        sections.set(section, keys)
        continue
      }
      const key = /^([A-Z][A-Za-z]+)=\S/.exec(line)?.[1]
      assert.isDefined(key, line)
      assert.isDefined(keys, `${line} is in no section`)
      keys!.push(key!)
    }
    assert.deepStrictEqual([...sections.keys()], ["Unit", "Service", "Install"])
    assert.includeMembers(sections.get("Service")!, ["ExecStart"])
  },
  dockerfile: ({ code }) => {
    const lines = code.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
    for (const line of lines) assert.match(line, /^(?:FROM|WORKDIR|COPY|RUN|USER|ENV|EXPOSE|CMD|ENTRYPOINT) \S/)
    assert.match(lines[0]!, /^FROM node:\d+/)
    const [, command] = /^CMD (.*)$/.exec(lines.at(-1)!) ?? []
    assert.isArray(JSON.parse(command ?? "null"))
  },
  js: ({ code, where }) => {
    mkdirSync(folder, { recursive: true })
    const file = join(folder, `${where.replaceAll(/[^\w.-]/g, "-")}.mjs`)
    writeFileSync(file, code)
    execFileSync(process.execPath, ["--check", file], { stdio: "pipe" })
  },
  // scripts/test/rustGuide.test.ts compares it with a file that cargo builds.
  rust: ({ document }) => assert.strictEqual(document, "docs/guides/from-the-rust-crate.md"),
  mermaid: ({ code }) => assert.match(code, /^sequenceDiagram\n/),
  // A drawing.
  text: () => {},
}

/** The languages that the other tests of this folder run. */
const OTHERS = ["ts", "typescript", "sh"]

describe("other blocks of documents", () => {
  it.each(fencesBelow(root).filter(({ language }) => !OTHERS.includes(language)))("$where: $language", (fence) => {
    assert.property(CHECKS, fence.language, "a language without a check")
    CHECKS[fence.language]!(fence)
  })
})
