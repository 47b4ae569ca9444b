/**
 * Lets Node keep the compiled code of the program from start to start, in the folder of what the commands keep: a start takes about a third
 * less time. Without such a folder, or where it cannot be written, the program starts as it does the first time.
 */
import { mkdirSync, statSync } from "node:fs"
import * as module from "node:module"
import { dirname, join } from "node:path"
import { CACHE_VARIABLE, cacheFolder } from "@topic-tracker/cli-kit/cacheFolder"

/** The user id that owns the folder, or the nearest one above it that exists. */
const ownerOf = (folder: string): number => {
  const stats = statSync(folder, { throwIfNoEntry: false })
  return stats?.uid ?? ownerOf(dirname(folder))
}

/** Folders that are made if they are missing: this one, that of the commands, and that of all caches. A home folder is not made. */
const MAX_MADE = 3

const make = (folder: string, left = MAX_MADE): void => {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    if (code === "EEXIST") return
    if (code !== "ENOENT" || left === 1) throw error
    make(dirname(folder), left - 1)
    mkdirSync(folder, { mode: 0o700 })
  }
}

/** From here on, for all modules that are loaded later. */
export const keepCompiledCode = (): void => {
  const given = process.env[CACHE_VARIABLE]
  const parent = cacheFolder(given === "" ? undefined : given)
  if (parent === undefined) return
  const folder = join(parent, "compiled")
  try {
    // Code of a folder that belongs to somebody else would run as this user, such as root whose HOME is another's.
    if (process.geteuid !== undefined && ownerOf(folder) !== process.geteuid()) return
    make(folder)
    // Older runtimes do not have it; it does not throw.
    module.enableCompileCache?.(folder)
  } catch {
    // The next start takes as long as this one.
  }
}
