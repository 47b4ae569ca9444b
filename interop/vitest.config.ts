import { defineConfig } from "vitest/config"
import { fromSources } from "../scripts/fromSources.ts"

export default defineConfig({
  root: import.meta.dirname,
  ...fromSources,
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["verbose", "../scripts/countReporter.ts"],
    // The nodes mostly wait, so four files run at once. Each test has namespaces of its own.
    maxWorkers: 4,
    testTimeout: 300_000,
  },
})
