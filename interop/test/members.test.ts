/**
 * The vectors of members-only topics against a second implementation, in Python, which follows PROTOCOL.md and shares no code with ours.
 */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

describe("members-only topics", () => {
  it("have vectors that the Python implementation agrees with", () => {
    const vectors = path("../../packages/core/test/vectors/members.json")
    const { stderr, stdout } = spawnSync("/usr/bin/python3", [path("../members/check.py"), vectors], {
      encoding: "utf8",
    })
    assert.strictEqual(stdout, "95 passed, 0 failed\n", stderr)
  })

  it("have vectors of presence that the Python implementation makes again", () => {
    const { stderr, stdout } = spawnSync("/usr/bin/python3", [path("../members/presence.py")], { encoding: "utf8" })
    const vectors = readFileSync(path("../../packages/presence/test/vectors/presence.json"), "utf8")
    assert.strictEqual(stdout, vectors, stderr)
  })
})
