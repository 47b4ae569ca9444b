/**
 * Writes the files that are generated from the options: docs/configuration.md and the types that editors show. With `--check` it
 * writes nothing and fails when one of them is stale.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { generatedFiles } from "./configFiles.ts"

const USAGE =
  "usage: configTable [--check]   writes docs/configuration.md and the types of the options; --check only compares"

const readArguments = () => {
  try {
    return parseArgs({ options: { check: { type: "boolean" }, help: { type: "boolean" } } }).values
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}; ${USAGE}`)
    process.exit(2)
  }
}

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}

const { check = false, help = false } = readArguments()
if (help) {
  console.log(USAGE)
} else {
  for (const [name, text] of generatedFiles()) {
    const path = fileURLToPath(new URL(`../${name}`, import.meta.url))
    if (read(path) === text) {
      console.log(`${name}: up to date`)
    } else if (check) {
      console.error(`${name}: differs from the options; run scripts/configTable.ts to write it`)
      process.exitCode = 1
    } else {
      writeFileSync(path, text)
      console.log(`${name}: written`)
    }
  }
}
