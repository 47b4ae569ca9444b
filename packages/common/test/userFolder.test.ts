/** The folders of a user, also of one whose environment is not what it should be. */
import { assert, describe, it } from "@effect/vitest"
import { userFolder } from "@topic-tracker/common/userFolder"

const folder = (env: Record<string, string>, home: string | undefined) =>
  userFolder("FOLDER", [".folder"], { env, home })

describe("a user's folder", () => {
  it("is that of the variable if that is absolute, else one in the home folder", () => {
    assert.strictEqual(folder({}, "/home/me"), "/home/me/.folder")
    assert.strictEqual(folder({ FOLDER: "/x" }, "/home/me"), "/x")
    for (const wrong of ["", "x", "./x"]) assert.strictEqual(folder({ FOLDER: wrong }, "/home/me"), "/home/me/.folder")
  })

  it("is none without a home folder, and never relative", () => {
    for (const home of [undefined, "", ".", "home/me"]) {
      assert.isUndefined(folder({}, home))
      assert.strictEqual(folder({ FOLDER: "/x" }, home), "/x")
    }
  })

  it("is that of this process's user if none is given", () => {
    const home = process.env.HOME
    try {
      process.env.HOME = "/home/ada"
      assert.strictEqual(userFolder("NO_SUCH_VARIABLE", ["a", "b"]), "/home/ada/a/b")
      process.env.HOME = ""
      assert.isUndefined(userFolder("NO_SUCH_VARIABLE", ["a", "b"]))
    } finally {
      if (home === undefined) delete process.env.HOME
      else process.env.HOME = home
    }
  })
})
