import { defineConfig } from "vitest/config"

const conditions = ["@topic-tracker/source", "node", "import", "module", "default"]

export default defineConfig({
  root: import.meta.dirname,
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["verbose", "../scripts/countReporter.ts"],
    // The nodes mostly wait, so four files run at once. Each test has namespaces of its own.
    maxWorkers: 4,
    testTimeout: 300_000,
  },
})
