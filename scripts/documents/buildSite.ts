/**
 * `npm run -s site`: makes the static site of all documents and of the API reference, in docs/dist. The generator, typedoc, has a lockfile of
 * its own in docs/site and is installed on first use.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { mustRun, run, tail } from "../consumer/run.ts"
import { entries } from "./entries.ts"
import { writeSitePages } from "./sitePages.ts"

const root = join(import.meta.dirname, "../..")
const generator = join(root, "docs/site")
const work = join(generator, "dist")

/** The folder of the site. */
export const siteFolder = join(root, "docs/dist")

const optionsOf = (tsconfig: string) => {
  const { front, others } = writeSitePages(join(work, "pages"))
  return {
    name: "Topic tracker",
    entryPoints: entries.map(({ source }) => join(root, source)),
    tsconfig,
    out: siteFolder,
    readme: front,
    projectDocuments: others,
    plugin: [join(generator, "plugin.mjs")],
    customCss: join(generator, "site.css"),
    // Sources come with the packages; a link into the repository would need its address.
    disableSources: true,
    disableGit: true,
    excludeInternal: true,
    excludePrivate: true,
    excludeExternals: true,
    categorizeByGroup: false,
    defaultCategory: "API",
    categoryOrder: ["Guides", "API", "Packages", "Reference", "Decisions", "*"],
    navigation: { includeCategories: true, includeGroups: false },
    searchInDocuments: true,
    highlightLanguages: ["ts", "js", "sh", "json", "toml", "ini", "docker", "rust", "mermaid"],
    sort: ["source-order"],
    // The type check of the repository has seen everything, with the compiler that it is written for.
    skipErrorChecking: true,
    hideGenerator: true,
    // A comment may link to a name that is not exported; it is shown without a link.
    validation: { notExported: false, invalidLink: false, rewrittenLink: true },
  }
}

/** Builds the site, and gives what the generator printed. Rejects if it fails. */
export const buildSite = async (): Promise<string> => {
  if (!existsSync(join(generator, "node_modules/typedoc"))) {
    const args = ["ci", "--prefix", generator, "--no-workspaces", "--no-audit", "--no-fund", "--ignore-scripts"]
    await mustRun("npm", args, { folder: root })
  }
  mkdirSync(work, { recursive: true })
  const options = join(work, "typedoc.json")
  const tsconfig = join(work, "tsconfig.json")
  const compilerOptions = { noEmit: true, typeRoots: [join(root, "node_modules/@types")] }
  const files = entries.map(({ source }) => join(root, source))
  writeFileSync(tsconfig, JSON.stringify({ extends: "../../../tsconfig.base.json", compilerOptions, files }))
  writeFileSync(options, JSON.stringify(optionsOf(tsconfig)))
  const site = entries.map(({ example, path, specifier }) => ({ specifier, path, example: join(root, example) }))
  const typedoc = join(generator, "node_modules/typedoc/bin/typedoc")
  const env = { SITE: JSON.stringify(site) }
  const { code, err, out } = await run(process.execPath, [typedoc, "--options", options], { folder: root, env })
  if (code !== 0) throw new Error(`typedoc: exit ${code}\n${tail(out + err)}`)
  return out + err
}

if (import.meta.main) console.log(await buildSite())
