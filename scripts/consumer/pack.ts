/**
 * Packs every public package as it would be published: from a clean clone of what is committed, so that nothing of the working
 * tree (a `dist` from an earlier build, an untracked file) can make a package look complete.
 */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { isHidden, publishedPackagesOf } from "../packages/packagesOf.ts"
import { mustRun } from "./run.ts"

/** A packed package. */
export interface Packed {
  readonly name: string
  /** The package's folder in the clone. */
  readonly folder: string
  /** The tarball's path. */
  readonly tarball: string
  /** The entry points, such as "." and "./testing". */
  readonly entries: ReadonlyArray<string>
  /** The entries that only this repository sees. */
  readonly hidden: ReadonlyArray<string>
  readonly peers: ReadonlyArray<string>
}

/** Clones `root` into `folder`, installs and packs there. */
export const packAll = async (root: string, folder: string): Promise<ReadonlyArray<Packed>> => {
  const clone = join(folder, "clone")
  const tarballs = join(folder, "tarballs")
  mkdirSync(tarballs, { recursive: true })
  await mustRun("git", ["clone", "--quiet", "--no-hardlinks", root, clone], { folder })
  await mustRun("npm", ["ci", "--no-audit", "--no-fund"], { folder: clone })
  const packed: Array<Packed> = []
  for (const { folder: place, manifest } of publishedPackagesOf(clone)) {
    const at = join(clone, place)
    await mustRun("npm", ["pack", "--pack-destination", tarballs], { folder: at })
    const entries = Object.entries(manifest.exports ?? {})
    packed.push({
      name: manifest.name,
      folder: at,
      tarball: join(tarballs, `${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`),
      // A package without exports is a command, and nobody imports it. An entry that only this repository sees is no part of a package.
      entries: entries.filter(([, to]) => !isHidden(to)).map(([entry]) => entry),
      hidden: entries.filter(([, to]) => isHidden(to)).map(([entry]) => entry),
      peers: Object.keys(manifest.peerDependencies ?? {}),
    })
  }
  return packed
}
