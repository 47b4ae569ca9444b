/** The Rust program of a guide is the file that cargo builds with the peers of the interop tests. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"

const read = (path: string) => readFileSync(join(import.meta.dirname, "../..", path), "utf8")

describe("docs/guides/from-the-rust-crate.md", () => {
  it("shows side_by_side.rs", () => {
    const shown = /```rust\n([\s\S]*?)```/.exec(read("docs/guides/from-the-rust-crate.md"))?.[1]
    const file = read("interop/peer/src/bin/side_by_side.rs").replace(/^(?:\/\/!.*\n)+\n/, "")
    assert.strictEqual(shown, file)
  })
})
