/** The command `doctor` with topics in which something is wrong, each in a network namespace of its own. */
import { describe, expect, it } from "vitest"
import { expectFinding } from "./expectFinding.ts"
import { diagnose, unavailable } from "./namespaces.ts"

if (unavailable !== undefined) console.warn(`doctor's tests of topics are skipped: ${unavailable}`)

describe.skipIf(unavailable !== undefined).concurrent("doctor --topic", { timeout: 240_000 }, () => {
  it.each([
    {
      situation: "another secret",
      name: "secret",
      found: /opens none of the \d+ records/,
      advice: /Compare the secrets/,
    },
    { situation: "another access", name: "access", found: /--access members/, advice: /--access members here/ },
    { situation: "a slot under flood", name: "slot", found: /strangers fill it/, advice: /name that nobody can guess/ },
  ])("$situation: says so and nothing else, and what to do", (finding) => expectFinding(finding))

  it("a topic in which all is well: its member is found", async () => {
    const { checks, code } = await diagnose("a member")
    expect(checks.filter(({ ok }) => !ok)).toEqual([])
    expect(checks.find(({ name }) => name === "members")?.found).toBe("a member of the topic was found")
    expect(code).toBe(0)
  })
})
