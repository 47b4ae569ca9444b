/** The folder in which programs of a user keep what they can do without: see the XDG Base Directory Specification, Apple and Windows. */
import { homedir } from "node:os"
import { isAbsolute, join } from "node:path"

/**
 * The parts of the process's environment on which the folder depends.
 *
 * @since 0.1.0
 * @category models
 */
export interface CacheEnvironment {
  readonly platform: NodeJS.Platform
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home folder; undefined if there is none. */
  readonly home: string | undefined
}

/**
 * The folder of this program in the user's cache folder: in `XDG_CACHE_HOME` if that is an absolute path, else in `~/Library/Caches` on
 * macOS, `%LOCALAPPDATA%` on Windows and `~/.cache` elsewhere. Undefined for a user without a home. It is not made here.
 * @since 0.1.0
 * @category operations
 */
export const userCacheFolder = (
  program: string,
  { env, home, platform }: CacheEnvironment = current(),
): string | undefined => {
  const base = (variable: string, ...inHome: ReadonlyArray<string>): string | undefined => {
    const given = env[variable]
    if (given !== undefined && isAbsolute(given)) return given
    return home === undefined || !isAbsolute(home) ? undefined : join(home, ...inHome)
  }
  const folder =
    platform === "win32"
      ? base("LOCALAPPDATA", "AppData", "Local")
      : base("XDG_CACHE_HOME", ...(platform === "darwin" ? ["Library", "Caches"] : [".cache"]))
  return folder === undefined ? undefined : join(folder, program)
}

const current = (): CacheEnvironment => ({ platform: process.platform, env: process.env, home: homeOrUndefined() })

const homeOrUndefined = (): string | undefined => {
  try {
    return homedir()
  } catch {
    // A user without an entry in the system's list.
    return undefined
  }
}
