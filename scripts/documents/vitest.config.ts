import { defineConfig } from "vitest/config"
import { fromSources } from "../fromSources.ts"

export default defineConfig({
  root: new URL("../..", import.meta.url).pathname,
  ...fromSources,
  test: {
    include: ["scripts/documents/test/**/*.test.ts", "scripts/documents/dist/blocks/*.test.ts"],
    reporters: ["verbose", "./scripts/countReporter.ts"],
    // The programs are processes of their own, so the tests mostly wait.
    maxWorkers: 2,
    testTimeout: 120_000,
  },
})
