/**
 * Every `sh` block of every document is run on a host of its own, or says why not. Nothing here leaves the machine; where no such host can be made
 * the blocks are skipped, with the reason.
 */
import { assert, describe, it } from "@effect/vitest"
import { fencesBelow } from "../fences.ts"
import { runShell, shellBlocks, unavailable } from "../shell.ts"

const blocks = shellBlocks()
const reason = unavailable()
const note = reason === undefined ? "" : ` (not run: ${reason})`

describe("shell blocks of documents", () => {
  it("say nothing else than how they run", () => {
    const root = new URL("../../..", import.meta.url).pathname
    const wrong = fencesBelow(root)
      .filter(({ language }) => language === "sh")
      .filter(({ words }) => !/^(?:(?:testnet|(?:skip|prints|nodes)="[^"]+")(?: |$))*$/.test(words))
    assert.deepStrictEqual(wrong, [])
    assert.isAtLeast(blocks.filter(({ skip }) => skip === undefined).length, 7)
  })

  for (const block of blocks) {
    if (block.skip !== undefined) it.skip(`${block.where} is not run: ${block.skip}`)
    else
      it.skipIf(reason !== undefined)(`${block.where} runs${note}`, async () => {
        assert.isUndefined(await runShell(block))
      })
  }

  it.skipIf(reason !== undefined)(`a line that fails is found${note}`, async () => {
    const lines = ["true", "false | cat", "exit 0"].map((text) => ({ text, prints: "", nodes: 1 }))
    const problem = await runShell({ where: "none", lines, testnet: false, skip: undefined, program: undefined })
    assert.include(problem ?? "", "false | cat: ended without exit code 0")
  })
})
