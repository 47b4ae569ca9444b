/**
 * Checks the references in the repository's documents: links, headings, npm scripts, paths and the constants that a link names.
 * README.md and docs/performance.md stay short enough to be read. It does not check what a sentence claims.
 */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, statSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { assert, describe, it } from "@effect/vitest"

const root = join(import.meta.dirname, "../..")
const read = (path: string) => readFileSync(join(root, path), "utf8")

const documents = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], { cwd: root })
  .toString()
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(root, path)))

/** The text without fenced code blocks. */
const prose = (path: string) => read(path).replaceAll(/^\s*(```|~~~)[\s\S]*?^\s*\1/gm, "")

interface Link {
  readonly text: string
  readonly file: string
  readonly anchor: string
}

/** The links and images of a document that stay in the repository, with paths from its root. */
const links = (document: string): ReadonlyArray<Link> =>
  [...prose(document).matchAll(/\[((?:`[^`]*`|[^\]])*)\]\(([^)\s]+)\)/g)].flatMap(([, text = "", target = ""]) => {
    if (/^[a-z]+:/.test(target)) return []
    const [path = "", anchor = ""] = target.split("#")
    return [{ text, file: path === "" ? document : normalize(join(dirname(document), path)), anchor }]
  })

/** The anchors that a document's headings have on the usual hosts. */
const anchors = (document: string): ReadonlySet<string> =>
  new Set(
    [...prose(document).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{Letter}\p{Number} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  )

const scripts = new Set(Object.keys(JSON.parse(read("package.json")).scripts))

describe("documents", () => {
  it.each(documents)("%s: every link leads to a file of the repository", (document) => {
    const dead = links(document).filter(({ file }) => !existsSync(join(root, file)))
    assert.deepStrictEqual(dead, [])
  })

  it.each(documents)("%s: every anchor is a heading of its document", (document) => {
    const dead = links(document).filter(
      ({ file, anchor }) => anchor !== "" && file.endsWith(".md") && !anchors(file).has(anchor),
    )
    assert.deepStrictEqual(dead, [])
  })

  it.each(documents)("%s: a name that links to a source file stands in that file", (document) => {
    const wrong = links(document)
      .filter(({ file }) => file.endsWith(".ts") && existsSync(join(root, file)))
      .flatMap(({ text, file }) =>
        [...text.matchAll(/`([A-Za-z_][A-Za-z0-9_]*)`/g)]
          .map(([, name = ""]) => ({ name, file }))
          .filter(({ name }) => !new RegExp(`\\b${name}\\b`).test(read(file))),
      )
    assert.deepStrictEqual(wrong, [])
  })

  it.each(documents)("%s: every npm script and every path that it names exists", (document) => {
    const text = read(document)
    const named = [...text.matchAll(/npm run (?:-s )?([a-z][a-z0-9:-]*)/g)].map(([, name = ""]) => name)
    assert.deepStrictEqual(
      named.filter((name) => !scripts.has(name)),
      [],
      "npm scripts",
    )
    const paths = [...text.matchAll(/(?:packages|scripts|docs|interop|examples)\/[\w./-]*\.(?:ts|toml|md|json|svg)\b/g)]
      .map(([path]) => path)
      .filter((path) => !existsSync(join(root, path)) && !existsSync(join(root, dirname(document), path)))
    assert.deepStrictEqual(paths, [], "paths")
  })

  it("packages/core/test/README.md names tests that exist", () => {
    const files = execFileSync("git", ["ls-files", "packages/*/test/*"], { cwd: root }).toString().trim().split("\n")
    const text = read("packages/core/test/README.md")
    const named = [...text.matchAll(/`([\w/]+\.ts)`/g)].map(([, name = ""]) => name)
    assert.deepStrictEqual(
      named.filter((name) => !existsSync(join(root, name)) && !files.some((file) => file.endsWith(`/${name}`))),
      [],
      "files",
    )
    const tests = files.filter((file) => file.endsWith(".test.ts")).map(read)
    // A title that is built from parts has "…" in their place.
    const titles = [...text.matchAll(/"([^"\n]{12,})"/g)].flatMap(([, title = ""]) => title.split(/ ?… ?/))
    assert.deepStrictEqual(
      titles.filter((title) => !tests.some((test) => test.includes(title))),
      [],
      "titles",
    )
  })

  it("README.md has at most 130 lines and docs/performance.md at most 100", () => {
    assert.isAtMost(read("README.md").trimEnd().split("\n").length, 130)
    assert.isAtMost(read("docs/performance.md").trimEnd().split("\n").length, 100)
  })

  it("every package of packages/ is in the folder tour of ARCHITECTURE.md", () => {
    const packages = execFileSync("git", ["ls-files", "packages/*/package.json"], { cwd: root })
      .toString()
      .trim()
      .split("\n")
      .map(dirname)
      .filter((path) => path.split("/").length === 2 && statSync(join(root, path)).isDirectory())
    const architecture = read("ARCHITECTURE.md")
    assert.deepStrictEqual(
      packages.filter((path) => !architecture.includes(path)),
      [],
    )
  })
})
