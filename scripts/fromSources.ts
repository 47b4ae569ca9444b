/** The part of each vitest configuration that resolves the project's packages to their sources. */
const conditions = ["@topic-tracker/source", "node", "import", "module", "default"]

export const fromSources = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
}
