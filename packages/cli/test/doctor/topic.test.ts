/** The command `doctor` with topics in which something is wrong, each in a network namespace of its own. */
import { describe, expect, it } from "vitest"
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
  ])("$situation: says so and nothing else, and what to do", async ({ advice, found, name, situation }) => {
    const { checks, code, err } = await diagnose(situation)
    const wrong = checks.filter(({ ok }) => !ok)
    expect(wrong.map((each) => each.name)).toEqual([name])
    expect(wrong[0]!.found).toMatch(found)
    expect(wrong[0]!.advice).toMatch(advice)
    expect([code, err]).toEqual([1, "One thing stands in the way.\n"])
  })

  it("a topic in which all is well: its member is found", async () => {
    const { checks, code } = await diagnose("a member")
    expect(checks.filter(({ ok }) => !ok)).toEqual([])
    expect(checks.find(({ name }) => name === "members")?.found).toBe("a member of the topic was found")
    expect(code).toBe(0)
  })
})
