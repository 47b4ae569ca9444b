/** The entries of the published packages: what a program can import, its source file, and its example in docs/api. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "../..")

/** One key of the `exports` of a package. */
export interface Entry {
  /** Such as "@topic-tracker/core/testing". */
  readonly specifier: string
  /** Its module in the source, from the repository's root. */
  readonly source: string
  /** The same with the package's name in front, such as "@topic-tracker/core/src/testing.ts". */
  readonly path: string
  /** The program that shows its use, from the repository's root. */
  readonly example: string
}

interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, { readonly "@topic-tracker/source"?: string; readonly default?: string }>>
}

/** The folders of all packages. */
const folders: ReadonlyArray<string> = readdirSync(join(root, "packages")).filter((name) =>
  existsSync(join(root, "packages", name, "package.json")),
)

export const entries: ReadonlyArray<Entry> = folders.flatMap((folder) => {
  const manifest: Manifest = JSON.parse(readFileSync(join(root, "packages", folder, "package.json"), "utf8"))
  if (manifest.private === true) return []
  return Object.entries(manifest.exports ?? {}).flatMap(
    ([key, { "@topic-tracker/source": source, default: published }]) => {
      // An entry without a default is seen in this repository only.
      if (source === undefined || published === undefined) return []
      const name = key === "." ? "index" : key.slice(2).replaceAll("/", "-")
      return {
        specifier: manifest.name + key.slice(1),
        source: join("packages", folder, source),
        path: join(manifest.name, source),
        example: `docs/api/${folder}/${name}.ts`,
      }
    },
  )
})
