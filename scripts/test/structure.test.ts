/**
 * The layers of the repository: which package may import which, that each import is declared in the package's own package.json,
 * and that a package is only entered through its entry points. Import circles inside a package are found by the lint rule
 * `noImportCycles` in biome.json.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { filesBelow } from "../filesBelow.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** For each package, all that it may import. A package that is not listed here may not exist. */
const LAYERS: Readonly<Record<string, ReadonlyArray<string>>> = {
  common: [],
  postcard: ["common"],
  crypto: ["common", "postcard"],
  dht: ["common", "crypto"],
  gossip: ["common", "postcard", "crypto"],
  core: ["common", "postcard", "crypto", "dht", "gossip"],
  peers: ["common", "crypto", "gossip", "core"],
  presence: ["common", "crypto", "gossip", "core"],
  share: ["common", "crypto", "peers"],
  monitor: ["common", "core"],
  "cli-kit": ["common", "crypto", "dht", "gossip", "core"],
  simulation: ["common", "postcard", "crypto", "dht", "gossip", "core", "presence", "cli-kit"],
  cli: [
    ...["common", "postcard", "crypto", "dht", "gossip", "core", "peers", "presence", "share", "monitor"],
    ...["cli-kit", "simulation"],
    // Its command `chat` is the example.
    "examples",
  ],
  bench: ["common", "postcard", "crypto", "dht", "gossip", "core", "peers", "share", "cli-kit", "simulation"],
  hostile: ["common", "crypto", "dht", "gossip", "core", "peers", "presence", "share", "cli-kit"],
}

interface Manifest {
  readonly name: string
  readonly bin?: Readonly<Record<string, string>>
  /** Files that start with "!" are not published, and may use what the package does not depend on. */
  readonly files?: ReadonlyArray<string>
  readonly exports?: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** The examples are programs, and the package of the command has one of them. They import no package that stands above cli-kit. */
const EXAMPLES = "examples"

const folderOf = (name: string): string => (name === EXAMPLES ? join(root, name) : join(root, "packages", name))

const manifestOf = (name: string): Manifest => JSON.parse(readFileSync(join(folderOf(name), "package.json"), "utf8"))

/** Every module that the source imports or exports from, types included. */
const importsOf = (source: string): ReadonlyArray<string> =>
  [...source.matchAll(/^(?:import|export)\b[^"'`;]*?from "([^"]+)"|^import "([^"]+)"|\bimport\("([^"]+)"\)/gm)].map(
    (match) => (match[1] ?? match[2] ?? match[3])!,
  )

const packages = readdirSync(join(root, "packages"))

describe("layers", () => {
  it("every package has a place in them", () => {
    assert.deepStrictEqual([...packages].sort(), Object.keys(LAYERS).sort())
  })

  it("the table itself has no circle: each package is imported only by later ones", () => {
    const seen = new Set<string>()
    for (const [name, below] of Object.entries(LAYERS)) {
      for (const each of below)
        assert.isTrue(seen.has(each) || each === EXAMPLES, `${name} may import ${each}, which comes later`)
      seen.add(name)
    }
  })

  it("the examples import nothing that may import them", () => {
    const { dependencies = {} } = manifestOf(EXAMPLES)
    for (const [name, below] of Object.entries(LAYERS)) {
      if (below.includes(EXAMPLES)) assert.notProperty(dependencies, `@topic-tracker/${name}`)
    }
  })

  for (const name of packages) {
    it(`${name} imports only packages below it, declared in its package.json, through their entry points`, () => {
      const manifest = manifestOf(name)
      // The code of a program is bundled, so what it imports is needed only to build it.
      const bundled = manifest.bin === undefined ? {} : manifest.devDependencies
      const declared = { ...manifest.dependencies, ...manifest.peerDependencies, ...bundled }
      const folder = join(root, "packages", name, "src")
      const unpublished = (manifest.files ?? []).flatMap((file) => (file.startsWith("!src/") ? [file.slice(5)] : []))
      const wrong: Array<string> = []
      for (const file of filesBelow(folder, ".ts").filter((path) => !path.endsWith(".d.ts"))) {
        for (const specifier of importsOf(readFileSync(file, "utf8"))) {
          const where = `${relative(root, file)}: ${specifier}`
          if (specifier.startsWith(".")) {
            if (relative(folder, join(file, "..", specifier)).startsWith("..")) wrong.push(`${where} leaves src`)
            continue
          }
          if (specifier.startsWith("node:")) continue
          const [scope, second, ...rest] = specifier.split("/")
          const packageName = specifier.startsWith("@") ? `${scope}/${second}` : scope!
          const isUnpublished = unpublished.includes(relative(folder, file).split("/")[0]!)
          const isDeclared =
            packageName in declared || (isUnpublished && packageName in (manifest.devDependencies ?? {}))
          if (!isDeclared) wrong.push(`${where} is not declared in package.json`)
          if (scope !== "@topic-tracker") continue
          if (!LAYERS[name]!.includes(second!)) wrong.push(`${where} is not below ${name}`)
          const entry = rest.length === 0 ? "." : `./${rest.join("/")}`
          if (!(entry in (manifestOf(second!).exports ?? {}))) wrong.push(`${where} is not an entry point`)
        }
      }
      assert.deepStrictEqual(wrong, [])
    })
  }
})
