/**
 * `npm run -s metadata`: writes the fields that all published packages share into their package.json, and the licence
 * files. `--repository URL` changes the one address that they follow from; `--release` only checks
 * that the packages may be published.
 */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { isPlaceholder, type Manifest, repositoryOf, withCommonFields } from "./metadata.ts"
import { publishedPackagesOf } from "./packagesOf.ts"

const USAGE = `npm run -s metadata [-- --repository URL | --release]

Writes repository, homepage, bugs, licence and publishing options into the package.json of each published package.
--repository URL: the new address of the repository, such as https://host/owner/name.
--release: writes nothing; exit code 1 while the repository has no address yet or a package.json differs.`

const root = join(import.meta.dirname, "..", "..")
const LICENCES = ["LICENSE-MIT", "LICENSE-APACHE"]

const readJson = (path: string) => JSON.parse(readFileSync(path, "utf8"))
const text = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`

const readArguments = () => {
  try {
    return parseArgs({
      options: { repository: { type: "string" }, release: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    }).values
  } catch (error) {
    console.error(error instanceof Error ? error.message.replaceAll("\n", " ") : String(error))
    process.exit(2)
  }
}

const main = (): number => {
  const { help, release, repository } = readArguments()
  if (help) {
    console.log(USAGE)
    return 0
  }
  const rootPath = join(root, "package.json")
  let manifest: Manifest = readJson(rootPath)
  if (repository !== undefined) {
    try {
      manifest = { ...manifest, repository: repositoryOf(repository) }
    } catch (error) {
      console.error(error instanceof Error ? error.message : String(error))
      return 2
    }
    writeFileSync(rootPath, text(manifest))
  }
  let different = 0
  for (const { folder, manifest: own } of publishedPackagesOf(root)) {
    const path = join(root, folder, "package.json")
    const wanted = text(withCommonFields(own, folder, manifest))
    const files = LICENCES.filter((file) => !existsSync(join(root, folder, file)))
    if (readFileSync(path, "utf8") === wanted && files.length === 0) continue
    different++
    console.log(`${release ? "differs" : "wrote"} ${folder}`)
    if (release) continue
    writeFileSync(path, wanted)
    for (const file of files) copyFileSync(join(root, file), join(root, folder, file))
  }
  if (!release) return 0
  if (isPlaceholder(manifest)) {
    console.error(
      "the repository has no address yet: run `npm run -s metadata -- --repository https://host/owner/name`, and commit",
    )
    return 1
  }
  return different === 0 ? 0 : 1
}

process.exit(main())
