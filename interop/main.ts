/**
 * `npm run test:interop`: installs or builds the programs that the tests against real peers need, reports missing ones, and runs the tests.
 * Arguments are passed to vitest (`-- discovery -t "Rust joins"`). The last line is `N passed, N failed`.
 */
import { Console, Effect } from "effect"
import { runVitest } from "../scripts/runVitest.ts"
import { buildPeer } from "./lib/programs.ts"
import { interopTools, provideLibtorrent, provideTools } from "./lib/Tools.ts"

runVitest({
  help: `npm run test:interop [-- FILTER …]

Runs the tests against real peers: builds the Rust peer with cargo, installs Debian packages as root, starts vitest.
FILTER and other arguments are those of vitest: a part of a file's name, or -t with a part of a test's name.`,
  config: new URL("vitest.config.ts", import.meta.url).pathname,
  prepare: Effect.gen(function* () {
    yield* Console.log("— building the Rust peers")
    // Installing mostly waits for the network, and the compiler for nothing of it.
    const tools = Effect.andThen(provideTools(interopTools), provideLibtorrent)
    yield* Effect.all([buildPeer, tools], { concurrency: 2, discard: true })
  }),
})
