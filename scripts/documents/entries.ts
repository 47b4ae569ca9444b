/** The entries of the published packages: what a program can import, its source file, and its example in docs/api. */
import { basename, join } from "node:path"
import { isHidden, publishedPackagesOf } from "../packages/packagesOf.ts"

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

/** The conditions of a key of `exports` that a program can import. */
interface Conditions {
  readonly "@topic-tracker/source": string
}

export const entries: ReadonlyArray<Entry> = publishedPackagesOf(root).flatMap(({ folder, manifest }) =>
  Object.entries(manifest.exports ?? {}).flatMap(([key, conditions]) => {
    if (isHidden(conditions)) return []
    const { "@topic-tracker/source": source } = conditions as Conditions
    const name = key === "." ? "index" : key.slice(2).replaceAll("/", "-")
    return {
      specifier: manifest.name + key.slice(1),
      source: join(folder, source),
      path: join(manifest.name, source),
      example: `docs/api/${basename(folder)}/${name}.ts`,
    }
  }),
)
