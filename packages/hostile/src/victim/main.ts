/** The victim's process: answers the calls of {@link VictimApi} from its parent, and ends with it. */
import { type Answer, type Call, CLOCK_AHEAD_VARIABLE } from "./api.ts"
import { makeVictim } from "./makeVictim.ts"

const aheadMs = Number(process.env[CLOCK_AHEAD_VARIABLE] ?? 0)
if (aheadMs !== 0) {
  const now = Date.now
  Date.now = () => now() + aheadMs
}

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
