/**
 * The fields that every published package has in common: addresses, licence, engines and how it is published. They follow from one
 * address, the `repository` of the root's package.json, so that a move of the repository is one command (`npm run -s metadata`).
 * It does not know what a package contains or what it depends on.
 */

/** A package.json as far as these rules look at it. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly description?: string
  readonly keywords?: ReadonlyArray<string>
  readonly type?: string
  readonly license?: string
  readonly author?: string
  readonly homepage?: string
  readonly repository?: Repository
  readonly bugs?: { readonly url: string }
  readonly engines?: Readonly<Record<string, string>>
  readonly sideEffects?: boolean | ReadonlyArray<string>
  readonly files?: ReadonlyArray<string>
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, unknown>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly publishConfig?: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

interface Repository {
  readonly type: string
  readonly url: string
  readonly directory?: string
}

/** The keywords of all packages. Each has words of its own beside these. */
export const KEYWORDS: ReadonlyArray<string> = ["effect", "p2p", "topic-tracker"]

/**
 * The repository's address without scheme prefix and suffix, such as `https://host/owner/name`.
 * `git+https://host/owner/name.git` is what npm wants to read.
 */
const webAddress = (root: { readonly repository?: Repository }): string =>
  (root.repository?.url ?? "").replace(/^git\+/, "").replace(/\.git$/, "")

/** An address under a name that RFC 2606 reserves stands for one that does not exist yet; nothing is published with it. */
export const isPlaceholder = (root: { readonly repository?: Repository }): boolean => {
  const address = webAddress(root)
  return address === "" || /\.(?:example|invalid|test)$/.test(new URL(address).hostname)
}

/** The root's `repository` for an address such as `https://host/owner/name`. Throws for other text. */
export const repositoryOf = (address: string): Repository => {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url?.protocol !== "https:" || url.pathname.length < 2 || url.search !== "" || url.hash !== "") {
    throw new Error(`--repository: ${JSON.stringify(address)} is not an address such as https://host/owner/name`)
  }
  return { type: "git", url: `git+${address.replace(/\/$/, "").replace(/\.git$/, "")}.git` }
}

/**
 * The manifest with the common fields, in the order that npm's documentation has them. Keywords of the package, its entries and its
 * dependencies stay as they are.
 */
export const withCommonFields = (
  manifest: Manifest,
  folder: string,
  root: { readonly repository?: Repository },
): Manifest => {
  const web = webAddress(root)
  const own = (manifest.keywords ?? []).filter((word) => !KEYWORDS.includes(word))
  const { name, version, private: isPrivate, description, ...rest } = manifest
  const { keywords: _1, homepage: _2, repository: _3, bugs: _4, author: _5, publishConfig: _6, ...others } = rest
  const { type, license, engines, ...contents } = others
  return {
    name,
    version,
    ...(isPrivate === undefined ? {} : { private: isPrivate }),
    ...(description === undefined ? {} : { description }),
    keywords: [...KEYWORDS, ...own].sort(),
    homepage: `${web}/tree/main/${folder}#readme`,
    bugs: { url: `${web}/issues` },
    repository: { type: "git", url: `git+${web}.git`, directory: folder },
    license: "MIT OR Apache-2.0",
    author: "the topic-tracker contributors",
    type: "module",
    ...(engines === undefined ? {} : { engines }),
    publishConfig: { access: "public", provenance: true },
    ...contents,
  }
}
