/** The packages of the repository: which there are, which of them are published, and which of their entries a program can import. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Manifest } from "./metadata.ts"

export interface Package {
  /** From the repository's root, such as "packages/dht". */
  readonly folder: string
  readonly manifest: Manifest
  readonly isPublished: boolean
}

/** All packages below this root. */
export const packagesOf = (root: string): ReadonlyArray<Package> =>
  readdirSync(join(root, "packages"))
    .sort()
    .map((name) => join("packages", name))
    .filter((folder) => existsSync(join(root, folder, "package.json")))
    .map((folder) => {
      const manifest: Manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"))
      return { folder, manifest, isPublished: manifest.private !== true }
    })

/** Those that a program can install. */
export const publishedPackagesOf = (root: string): ReadonlyArray<Package> =>
  packagesOf(root).filter(({ isPublished }) => isPublished)

/** Whether only this repository sees an entry of `exports`: it has no file that is published. */
export const isHidden = (entry: unknown): boolean =>
  typeof entry === "object" && entry !== null && !("default" in entry)
