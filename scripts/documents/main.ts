/**
 * `npm run test:documents`: compiles, runs or reads every block of every document, and runs the example of each entry of the published
 * packages. The last line is `N passed, N failed`.
 */
import { Effect } from "effect"
import { runVitest } from "../runVitest.ts"
import { writePrograms } from "./programs.ts"

runVitest({
  help: `npm run test:documents [-- FILTER …]

Compiles and runs the TypeScript blocks of all documents and the examples of the API reference, on loopback and in memory; runs the
shell blocks on a host without a network, if one can be made here (root, or a user that may make namespaces); reads all others.
FILTER and other arguments are those of vitest: a part of a file's name, or -t with a part of a test's name (README.md:33).`,
  config: new URL("vitest.config.ts", import.meta.url).pathname,
  prepare: Effect.sync(writePrograms),
})
