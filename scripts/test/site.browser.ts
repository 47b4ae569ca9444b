/**
 * The site of the documents, built and opened in a browser: every link of every page leads somewhere, the search finds guides and the
 * API, pages fit a phone, and nothing is loaded from elsewhere.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize, relative } from "node:path"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { open } from "../browser/Chromium.ts"
import { serveFolder } from "../browser/serveFolder.ts"
import { buildSite, siteFolder } from "../documents/buildSite.ts"
import { entries } from "../documents/entries.ts"

const pagesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { withFileTypes: true }).flatMap((each) =>
    each.isDirectory()
      ? pagesBelow(join(folder, each.name))
      : each.name.endsWith(".html")
        ? [join(folder, each.name)]
        : [],
  )

let output = ""
beforeAll(async () => {
  output = await buildSite()
}, 240_000)

const contents = new Map<string, string>()
const textOf = (file: string): string => {
  const known = contents.get(file)
  if (known !== undefined) return known
  const text = readFileSync(file, "utf8")
  contents.set(file, text)
  return text
}

/** The links of a page that lead nowhere. */
const deadLinks = (page: string): ReadonlyArray<string> =>
  [...textOf(page).matchAll(/(?:href|src)="([^"]+)"/g)]
    .map(([, target]) => target!.replaceAll("&amp;", "&"))
    .filter((target) => {
      if (/^(?:[a-z]+:|\/\/)/.test(target)) return false
      const [path = "", anchor = ""] = decodeURI(target).split("#")
      const file = path === "" ? page : normalize(join(dirname(page), path.split("?")[0]!))
      if (!existsSync(file)) return true
      return anchor !== "" && file.endsWith(".html") && !textOf(file).includes(`id="${anchor}"`)
    })
    .map((target) => `${relative(siteFolder, page)}: ${target}`)

describe("site", () => {
  it("is built without a warning", () => {
    assert.notMatch(output, /\[(?:warning|error)\]/)
  })

  it("has no link that leads nowhere", () => {
    const pages = pagesBelow(siteFolder)
    assert.isAbove(pages.length, entries.length)
    assert.deepStrictEqual(pages.flatMap(deadLinks).slice(0, 20), [])
  })

  it("shows an example at each entry", () => {
    for (const { example, specifier } of entries) {
      const page = pagesBelow(join(siteFolder, "modules")).find((each) =>
        textOf(each).includes(`<title>${specifier} |`),
      )
      assert.isDefined(page, specifier)
      assert.include(textOf(page!), "Example", example)
    }
  })

  it.live("is read and searched in a browser", () =>
    Effect.gen(function* () {
      const page = yield* open
      const address = yield* serveFolder(siteFolder)
      yield* page.goto(`${address}/index.html`)
      assert.strictEqual(yield* page.evaluate("document.title"), "Topic tracker")

      // Search, as a reader does it: open, type, choose.
      for (const word of ["joinnowait", "hyperswarm"]) {
        yield* page.goto(`${address}/index.html`)
        // The generator hides each page until its program has run: nobody can click before.
        yield* page.waitFor("document.body.style.display !== 'none'")
        yield* page.evaluate("document.querySelector('#tsd-search-trigger').click()")
        yield* page.waitFor("document.activeElement?.id === 'tsd-search-input'")
        for (const letter of word) yield* page.press(letter)
        const results = "document.querySelector('#tsd-search-results')?.textContent.toLowerCase()"
        yield* page.waitFor(`${results}?.includes("${word}")`)
        yield* page.press("ArrowDown")
        yield* page.press("Enter")
        yield* page.waitFor(`location.href.toLowerCase().includes("${word}") && document.readyState === "complete"`)
      }

      for (const dark of [false, true]) {
        yield* page.look({ width: 375, height: 700, dark })
        yield* page.goto(`${address}/documents/First_topic.html`)
        const [shown, wide] = yield* page.evaluate<[number, number]>(
          "[document.documentElement.clientWidth, document.documentElement.scrollWidth]",
        )
        assert.isAtMost(wide, shown)
      }
      assert.deepStrictEqual(page.problems, [])
      assert.deepStrictEqual(
        page.requests.filter((url) => !url.startsWith(address) && !url.startsWith("data:")),
        [],
      )
    }),
  )
})
