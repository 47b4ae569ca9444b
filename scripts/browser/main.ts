/**
 * `npm run test:browser`: the tests of pages in a headless Chromium (files named `*.browser.ts`). As root on Debian it installs
 * Chromium if there is none. The last line is `N passed, N failed`.
 */
import { provideTools } from "../../interop/lib/Tools.ts"
import { runVitest } from "../runVitest.ts"
import { candidates } from "./Chromium.ts"

const chromium = {
  name: "chromium",
  needed: "pages",
  debianPackage: "chromium",
  probe: ["sh", "-c", candidates.map((name) => `command -v '${name}'`).join(" || ")],
} as const

runVitest({
  help: `npm run test:browser [-- FILTER …]

Runs the tests of pages in a headless Chromium, which the variable CHROMIUM may name; as root on Debian it is installed if it is missing.
FILTER and other arguments are those of vitest: a part of a file's name, or -t with a part of a test's name.`,
  config: new URL("vitest.config.ts", import.meta.url).pathname,
  prepare: provideTools([chromium]),
})
