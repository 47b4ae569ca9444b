import { assert, describe, it } from "@effect/vitest"
import { loadFailure } from "../../src/transport/iroh/endpoint.ts"

/** As the loader of the binding throws it: its advice is the same whatever the reason is. */
const notFound = (...causes: ReadonlyArray<Error>): Error => {
  const error = new Error(
    "Cannot find native binding. npm has a bug related to optional dependencies. Please try `npm i` again",
  )
  let last = error
  for (const cause of causes) {
    last.cause = cause
    last = cause
  }
  return error
}

describe("a binding that cannot be loaded", () => {
  it("names disabled addons", () => {
    const disabled = Object.assign(new Error("Cannot load native addon"), { code: "ERR_DLOPEN_DISABLED" })
    assert.match(loadFailure(notFound(new Error("not here"), disabled), "linux-x64"), /native addons are disabled/)
  })

  it("names a platform without a build, and those that have one", () => {
    assert.match(loadFailure(notFound(), "darwin-x64"), /no build for darwin-x64; there are builds for .*darwin-arm64/)
  })

  it("names a build that was not installed", () => {
    assert.match(loadFailure(notFound(), "linux-x64"), /build for linux-x64 is not installed/)
  })

  it("keeps the cause of any other failure", () => {
    assert.strictEqual(loadFailure(new Error("GLIBC_2.40 not found"), "linux-x64"), "GLIBC_2.40 not found")
  })
})
