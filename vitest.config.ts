import { configDefaults, defineConfig } from "vitest/config"
import { fromSources } from "./scripts/fromSources.ts"

/** Nodes on real sockets, and processes, that have to do something in a given time: they run one at a time, when the others are done. */
const TIMED = [
  "examples/test/{members,quickStart,rpc,shareAFile}.test.ts",
  "packages/cli/test/{call,commands,files,members,monitor,npm,topicTracker}.test.ts",
  "packages/cli/test/doctor/{host,topic}.test.ts",
  "packages/core/test/topic/{secondSlot,sockets}.test.ts",
  "packages/dht/test/{answers,crowding,eclipseLive,finding}.test.ts",
  "packages/gossip/test/members/MembersTopic.iroh.test.ts",
  "packages/gossip/test/network/{accepting,iroh,killed,lateBinding,manyStreams,nativeObjects}.test.ts",
  "packages/hostile/test/outsiders.test.ts",
  "packages/peers/test/{iroh,irohCalls}.test.ts",
  "packages/share/test/iroh.test.ts",
  "packages/simulation/test/sockets/*.test.ts",
]

export default defineConfig({
  ...fromSources,
  test: {
    reporters: ["default", "./scripts/countReporter.ts"],
    setupFiles: ["./scripts/seedTests.ts"],
    testTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: "parallel",
          include: ["packages/*/test/**/*.test.ts", "examples/test/**/*.test.ts", "scripts/test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...TIMED],
          maxWorkers: 2,
        },
      },
      { extends: true, test: { name: "timed", include: TIMED, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
})
