/**
 * Writes the table of all options between the markers in README.md; with `--check` it writes nothing and fails when the two
 * differ.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { TopicConfig } from "@topic-tracker/core"

const START = "<!-- config-table:start -->"
const END = "<!-- config-table:end -->"
const USAGE = "usage: configTable [--check]   writes README.md's table of options; --check only compares"

/** The text with the table between its markers replaced. Throws when a marker is missing. */
const withTable = (text: string): string => {
  const [start, end] = [text.indexOf(START), text.indexOf(END)]
  if (start < 0 || end < start) throw new Error(`README.md: the markers ${START} and ${END} are missing`)
  return `${text.slice(0, start + START.length)}\n\n${TopicConfig.markdownTable()}\n\n${text.slice(end)}`
}

const readArguments = () => {
  try {
    return parseArgs({ options: { check: { type: "boolean" }, help: { type: "boolean" } } }).values
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}; ${USAGE}`)
    process.exit(2)
  }
}

const { check = false, help = false } = readArguments()
if (help) {
  console.log(USAGE)
} else {
  const path = fileURLToPath(new URL("../README.md", import.meta.url))
  const before = readFileSync(path, "utf8")
  const after = withTable(before)
  if (before === after) {
    console.log("README.md: the table of options is up to date")
  } else if (check) {
    console.error("README.md: the table of options differs from the options; run scripts/configTable.ts to write it")
    process.exit(1)
  } else {
    writeFileSync(path, after)
    console.log("README.md: the table of options was written")
  }
}
