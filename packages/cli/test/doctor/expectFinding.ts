/** Asserts that `doctor` finds one thing in a prepared situation, and nothing else. */
import { expect } from "vitest"
import { diagnose } from "./namespaces.ts"

export interface Finding {
  readonly situation: string
  /** The name of the check that fails. */
  readonly name: string
  readonly found: RegExp
  readonly advice: RegExp
}

export const expectFinding = async ({ advice, found, name, situation }: Finding): Promise<void> => {
  const { checks, code, err } = await diagnose(situation)
  const wrong = checks.filter(({ ok }) => !ok)
  expect(wrong.map((each) => each.name)).toEqual([name])
  expect(wrong[0]!.found).toMatch(found)
  expect(wrong[0]!.advice).toMatch(advice)
  expect([code, err]).toEqual([1, "One thing stands in the way.\n"])
}
