import { readdirSync, readFileSync } from "node:fs"
import { assert, it } from "@effect/vitest"

it("every title that a comment names is in DEVIATIONS.md", () => {
  const root = new URL("../../", import.meta.url)
  const titles = new Set(
    readFileSync(new URL("DEVIATIONS.md", root), "utf8")
      .split("\n")
      .flatMap((line) => /^\| ([^|]+) \|/.exec(line)?.slice(1) ?? []),
  )
  const named = readdirSync(new URL("src/", root), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => {
      const text = readFileSync(new URL(`src/${path}`, root), "utf8").replaceAll(/\s*\n\s*(\*|\/\/) /g, " ")
      return [...text.matchAll(/DEVIATIONS\.md, "([^"]+)"/g)].map(([, title]) => title!)
    })
  assert.isAbove(named.length, 15)
  for (const title of named) assert.isTrue(titles.has(title), title)
})
