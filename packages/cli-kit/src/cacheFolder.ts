/** The folder in which the commands keep what they can do without. It imports next to nothing, so that a program may ask before it loads the rest. */
import { resolve } from "node:path"
import { userCacheFolder } from "@topic-tracker/dht"

/** The environment variable with the same meaning as `--cache`. */
export const CACHE_VARIABLE = "TOPIC_TRACKER_CACHE"

/** The value that keeps nothing. */
const NONE = "none"

/** The folder for the value of `--cache` or of {@link CACHE_VARIABLE}. Undefined: nothing is kept. */
export const cacheFolder = (given: string | undefined): string | undefined => {
  if (given === NONE) return undefined
  return given === undefined ? userCacheFolder("topic-tracker") : resolve(given)
}
