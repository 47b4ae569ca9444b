/** The folder in which programs of a user keep what they can do without: see the XDG Base Directory Specification, Apple and Windows. */
import { join } from "node:path"
import { currentUser, type UserEnvironment, userFolder } from "@topic-tracker/common/userFolder"

/**
 * The parts of the process's environment on which the folder depends.
 *
 * @since 0.1.0
 * @category models
 */
export interface CacheEnvironment extends UserEnvironment {}

/**
 * The folder of this program in the user's cache folder: in `XDG_CACHE_HOME` if that is an absolute path, else in `~/Library/Caches` on
 * macOS, `%LOCALAPPDATA%` on Windows and `~/.cache` elsewhere. Undefined for a user without a home. It is not made here.
 * @since 0.1.0
 * @category operations
 */
export const userCacheFolder = (program: string, user: CacheEnvironment = currentUser()): string | undefined => {
  const folder =
    user.platform === "win32"
      ? userFolder("LOCALAPPDATA", ["AppData", "Local"], user)
      : userFolder("XDG_CACHE_HOME", user.platform === "darwin" ? ["Library", "Caches"] : [".cache"], user)
  return folder === undefined ? undefined : join(folder, program)
}
