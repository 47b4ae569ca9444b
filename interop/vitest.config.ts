import { basename } from "node:path"
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"
import { fromSources } from "../scripts/fromSources.ts"

/** The files that take minutes, the longest first. vitest begins with the largest ones, and the tests of DHT nodes are few lines. */
const LONGEST = [
  "cutOff.test.ts",
  "dht.test.ts",
  "dhtNewer.test.ts",
  "discovery.test.ts",
  "gossip.test.ts",
  "hosts.test.ts",
]

/** Begins with the longest files, so that none of them is left alone at the end. */
class LongestFirst extends BaseSequencer {
  override sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = LONGEST.indexOf(basename(moduleId))
      return index < 0 ? LONGEST.length : index
    }
    return Promise.resolve(files.toSorted((one, other) => place(one) - place(other)))
  }
}

export default defineConfig({
  root: import.meta.dirname,
  ...fromSources,
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["verbose", "../scripts/countReporter.ts"],
    // The nodes mostly wait, so four files run at once. Each test has namespaces of its own.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    testTimeout: 300_000,
  },
})
