/** The victim's process: answers the calls of {@link VictimApi} from its parent, and ends with it. */
import type { Answer, Call } from "./api.ts"
import { makeVictim } from "./makeVictim.ts"

const api = makeVictim()

process.on("disconnect", () => process.exit(0))
process.on("message", (call: Call) => {
  // The caller's types are those of VictimApi; here a call is only a name and its arguments.
  const method = api[call.method] as (...args: ReadonlyArray<unknown>) => Promise<unknown>
  method(...call.args).then(
    (result) => answer({ id: call.id, result }),
    (cause) => answer({ id: call.id, error: cause instanceof Error ? cause.message : String(cause) }),
  )
})

const answer = (message: Answer): void => void process.send?.(message)
