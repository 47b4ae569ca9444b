/**
 * The TypeScript packages as a program with the commands, options and events of the Rust peer (`interop/peer`), so that a
 * test can use either. It ends with its standard input.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Effect, Layer, Logger, type Scope, type Stdio } from "effect"
import { type Args, parseArgs } from "./args.ts"
import { gossip } from "./gossip.ts"
import { get, put } from "./items.ts"
import { members } from "./members.ts"
import { recordGet, recordPut } from "./records.ts"
import { resolve } from "./resolve.ts"
import { testnet } from "./testnet.ts"
import { tracker } from "./tracker.ts"

const run = (args: Args): Effect.Effect<void, unknown, Scope.Scope | Stdio.Stdio> => {
  switch (args.command) {
    case "tracker":
      return tracker(args)
    case "gossip":
      return gossip(args)
    case "members":
      return members(args)
    case "testnet":
      return testnet(args)
    case "put":
      return put(args)
    case "get":
      return get(args)
    case "record-put":
      return recordPut(args)
    case "record-get":
      return recordGet(args)
    case "resolve":
      return resolve(args)
    default:
      return Effect.die(new Error(`${args.command} is not a command`))
  }
}

const layer = Layer.mergeAll(NodeServices.layer, Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)]))

NodeRuntime.runMain(
  Effect.suspend(() => run(parseArgs(process.argv.slice(2)))).pipe(Effect.scoped, Effect.provide(layer)),
  // The reader of standard input would keep the process alive.
  { teardown: (exit) => process.exit(exit._tag === "Success" ? 0 : 1) },
)
