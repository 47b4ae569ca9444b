import * as Invite from "@topic-tracker/core/Invite"
import { Effect, Redacted, Result } from "effect"

const secret = Redacted.make(new Uint8Array(32).fill(1))
const text = Result.getOrThrow(Invite.make({ topic: "crew", secret }))
const invite = await Effect.runPromise(Invite.parse(text))
console.log(invite.access) // → members
