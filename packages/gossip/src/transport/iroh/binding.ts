/** The native binding, loaded when the first endpoint is made: programs on a network in memory never need it. */
import { Effect } from "effect"
import { GossipError } from "../../model.ts"
import { type BindingBytesCodec, codecOf } from "./bytes.ts"

export type Binding = typeof import("@number0/iroh")

export interface LoadedBinding {
  readonly binding: Binding
  readonly codec: BindingBytesCodec
}

/** Once it is loaded, asking for it again must not wait for another turn of the event loop: binding is what a join waits for first. */
let loaded: LoadedBinding | undefined

/** Fails with Bind when there is no build of the binding for this platform. */
export const load: Effect.Effect<LoadedBinding, GossipError> = Effect.suspend(() =>
  loaded !== undefined
    ? Effect.succeed(loaded)
    : Effect.tryPromise({
        try: async () => {
          const binding = await import("@number0/iroh")
          loaded = { binding, codec: codecOf(binding.SecretKey.generate().toBytes()) }
          return loaded
        },
        catch: (error) =>
          new GossipError({ reason: "Bind", message: `@number0/iroh cannot be loaded: ${describe(error)}` }),
      }),
)

/** The part of the binding's error messages that is for people: what comes last before the stack backtrace. */
export const describe = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error)
  const lines = message.split("\n")
  const end = lines.findIndex((line) => line.startsWith("Stack backtrace"))
  const causes = (end < 0 ? lines : lines.slice(0, end)).map((line) => line.trim()).filter((line) => line !== "")
  return (causes.at(-1) ?? "unknown error").replace(/^\d+: /, "")
}
