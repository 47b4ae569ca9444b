/**
 * Each published package can be published as it stands: its package.json has the common fields, names only what exists, runs no
 * script at installation, and changesets raise it together with the others. test:consumer checks the packed result.
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { isPlaceholder, KEYWORDS, type Manifest, repositoryOf, withCommonFields } from "../packages/metadata.ts"
import { isHidden, packagesOf, publishedPackagesOf } from "../packages/packagesOf.ts"

const root = join(import.meta.dirname, "../..")
const read = (...path: ReadonlyArray<string>) => readFileSync(join(root, ...path), "utf8")
const rootManifest: Manifest = JSON.parse(read("package.json"))

const manifests = packagesOf(root)
const published = publishedPackagesOf(root)
const changesets = JSON.parse(read(".changeset", "config.json"))

/** All paths in an `exports` or `bin` value. */
const pathsOf = (value: unknown): ReadonlyArray<string> =>
  typeof value === "string"
    ? [value]
    : typeof value === "object" && value !== null
      ? Object.values(value).flatMap(pathsOf)
      : []

describe.each(published)("$folder", ({ folder, manifest }) => {
  it("has the common fields (npm run -s metadata writes them)", () => {
    assert.strictEqual(
      read(folder, "package.json"),
      `${JSON.stringify(withCommonFields(manifest, folder, rootManifest), undefined, 2)}\n`,
    )
  })

  it("has a description, keywords of its own, a README and both licences", () => {
    assert.isAbove(manifest.description?.length ?? 0, 20)
    assert.isAtLeast((manifest.keywords ?? []).filter((word) => !KEYWORDS.includes(word)).length, 2)
    assert.isTrue(read(folder, "README.md").startsWith(`# ${manifest.name}\n`))
    for (const file of ["LICENSE-MIT", "LICENSE-APACHE"]) assert.strictEqual(read(folder, file), read(file))
    // A command is published as one bundled file, without its source.
    const contents = manifest.exports === undefined ? [] : ["dist", "src"]
    assert.includeMembers([...(manifest.files ?? [])], [...contents, "LICENSE-*"])
  })

  it("runs nothing at installation", () => {
    const scripts = Object.keys(manifest.scripts ?? {})
    assert.deepStrictEqual(
      scripts.filter((name) => /^(?:pre|post)?(?:install|prepare|uninstall)$|^dependencies$/.test(name)),
      [],
    )
  })

  it("gives each entry types first, and source files that exist", () => {
    for (const [entry, conditions] of Object.entries(manifest.exports ?? {})) {
      if (typeof conditions !== "object" || conditions === null) continue
      const names = Object.keys(conditions)
      // An entry that only this repository sees.
      if (isHidden(conditions)) {
        assert.deepStrictEqual(names, ["@topic-tracker/source"], entry)
        continue
      }
      assert.deepStrictEqual(names, ["@topic-tracker/source", "types", "default"], entry)
      for (const path of pathsOf(conditions).filter((each) => each.startsWith("./src/"))) {
        assert.isTrue(existsSync(join(root, folder, path)), path)
      }
    }
  })

  it("depends on exact versions, and on its siblings in their present one", () => {
    for (const [name, version] of Object.entries(manifest.dependencies ?? {})) {
      assert.match(version, /^\d+\.\d+\.\d+$/, name)
      const sibling = manifests.find((each) => each.manifest.name === name)
      if (sibling === undefined) continue
      assert.strictEqual(version, sibling.manifest.version, name)
      assert.isTrue(sibling.isPublished, `${name} is not published`)
    }
  })
})

describe("releases", () => {
  it("raise all published packages together", () => {
    const names = published.map(({ manifest }) => manifest.name).sort()
    assert.deepStrictEqual([...changesets.fixed.flat()].sort(), names)
    assert.deepStrictEqual(
      names.filter((name) => (changesets.ignore ?? []).includes(name)),
      [],
    )
    assert.strictEqual(new Set(published.map(({ manifest }) => manifest.version)).size, 1)
  })

  it("install nothing that is deprecated", () => {
    const { packages } = JSON.parse(read("package-lock.json")) as {
      packages: Record<string, { deprecated?: string; resolved?: string; link?: boolean }>
    }
    assert.deepStrictEqual(
      Object.entries(packages).filter(([, { deprecated }]) => deprecated !== undefined),
      [],
    )
  })

  it("need an address of the repository that is none of RFC 2606", () => {
    assert.isTrue(isPlaceholder({}))
    assert.isTrue(isPlaceholder({ repository: repositoryOf("https://git.topic-tracker.example/topic-tracker") }))
    assert.isFalse(isPlaceholder({ repository: repositoryOf("https://host.invalid.org/owner/name.git") }))
    assert.strictEqual(repositoryOf("https://h.org/o/n/").url, "git+https://h.org/o/n.git")
    for (const wrong of ["o/n", "http://h.org/o/n", "https://h.org", "https://h.org/o?x"]) {
      assert.throws(() => repositoryOf(wrong), /--repository/)
    }
  })
})
