/** Runs a peer's program, or says that there is none. A peer that fails is said to have failed; it does not end the run. */
import { Effect, type Schema } from "effect"
import type { Run } from "./Benchmark.ts"
import * as Programs from "./programs.ts"
import type { Peer } from "./reference.ts"

/** What the peer's program prints last; undefined when it is not installed or fails. */
export const figuresOf = <A>(
  run: Run,
  peer: Peer,
  schema: Schema.Codec<A, unknown>,
  args: ReadonlyArray<string | number>,
  wrap: (words: ReadonlyArray<string>) => ReadonlyArray<string> = (words) => words,
) => {
  const { path } = peer
  if (path === undefined) return Effect.as(run.say(peer.missing), undefined)
  const words = path.endsWith(".mjs") ? [process.execPath, path] : [path]
  return Programs.run(schema, wrap([...words, ...args.map(String)]), "10 minutes").pipe(
    Effect.catch((error) => Effect.as(run.say(`${peer.name} failed: ${error.message}`), undefined)),
  )
}
