/**
 * The folders in which programs of a user keep files, such as ~/.cache and ~/.config. It knows the rules for the variable of such a
 * folder and for a user without a home, and no folder by name. Source: XDG Base Directory Specification 0.8.
 */
import { homedir } from "node:os"
import { isAbsolute, join } from "node:path"

/**
 * The parts of the process's environment on which a user's folders depend.
 *
 * @since 0.1.0
 * @category models
 */
export interface UserEnvironment {
  readonly platform: NodeJS.Platform
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home folder; undefined if there is none. */
  readonly home: string | undefined
}

/**
 * The user of this process.
 *
 * @since 0.1.0
 * @category constructors
 */
export const currentUser = (): UserEnvironment => ({
  platform: process.platform,
  env: process.env,
  home: homeOrUndefined(),
})

/**
 * The folder that the variable names if that is an absolute path, else the one of these names in the home folder. Undefined for a user
 * without a home: a relative path would lead to whatever folder the process stands in. It is not made here.
 *
 * @since 0.1.0
 * @category operations
 */
export const userFolder = (
  variable: string,
  inHome: ReadonlyArray<string>,
  { env, home }: Pick<UserEnvironment, "env" | "home"> = currentUser(),
): string | undefined => {
  const given = env[variable]
  if (given !== undefined && isAbsolute(given)) return given
  return home === undefined || !isAbsolute(home) ? undefined : join(home, ...inHome)
}

const homeOrUndefined = (): string | undefined => {
  try {
    return homedir()
  } catch {
    // A user without an entry in the system's list.
    return undefined
  }
}
