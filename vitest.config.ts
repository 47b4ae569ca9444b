import { defineConfig } from "vitest/config"

const conditions = ["@topic-tracker/source", "node", "import", "module", "default"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/test/**/*.test.ts", "scripts/test/**/*.test.ts"],
    reporters: ["default", "./scripts/countReporter.ts"],
    setupFiles: ["./scripts/seedTests.ts"],
    testTimeout: 20_000,
    maxWorkers: 2,
  },
})
