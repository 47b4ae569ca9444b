/** The files below a folder, for the scripts that look at sources and documents. */
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"

/** Folders that programs put beside the files of this repository. */
const NOT_OURS = ["node_modules", ".git", "dist", "target"]

/** The paths of all files whose name has the ending, in the order of their names. A folder that is not there has none. */
export const filesBelow = (folder: string, ending = ""): ReadonlyArray<string> =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .flatMap((each) => {
          const path = join(folder, each.name)
          if (each.isDirectory()) return NOT_OURS.includes(each.name) ? [] : filesBelow(path, ending)
          return each.isFile() && each.name.endsWith(ending) ? [path] : []
        })
    : []
