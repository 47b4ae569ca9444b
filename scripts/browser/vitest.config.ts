import { defineConfig } from "vitest/config"
import { fromSources } from "../fromSources.ts"

export default defineConfig({
  root: new URL("../..", import.meta.url).pathname,
  ...fromSources,
  test: {
    include: ["packages/*/test/**/*.browser.ts", "examples/test/**/*.browser.ts", "scripts/test/**/*.browser.ts"],
    reporters: ["verbose", "./scripts/countReporter.ts"],
    setupFiles: ["./scripts/seedTests.ts"],
    // Each test has a browser of its own, which keeps a core busy at its start.
    maxWorkers: 1,
    testTimeout: 60_000,
  },
})
