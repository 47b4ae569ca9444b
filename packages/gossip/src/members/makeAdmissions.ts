/** Asks a user's `allow`, an Effect, for the answers of {@link Admissions}. */
import type { Timers } from "@topic-tracker/common"
import type { EndpointId } from "@topic-tracker/crypto"
import { Effect } from "effect"
import type { MembersOptions } from "../model.ts"
import { Admissions, type AllowAnswer, type AllowRole } from "./Admissions.ts"
import { ALLOW_MS } from "./Door.ts"

type Fork = (effect: Effect.Effect<unknown>) => unknown

/** The admissions of a topic. An answer that takes longer than 1 s, or a defect, is none. */
export const makeAdmissions = (allow: NonNullable<MembersOptions["allow"]>, timers: Timers, fork: Fork): Admissions =>
  new Admissions({
    timers,
    ask: (peer, as, answer) => {
      const asked = Effect.suspend(() => allow(peer, as)).pipe(
        Effect.map((given): AllowAnswer => (typeof given === "string" ? given : given ? "admit" : "refuse")),
        Effect.timeoutOrElse({ duration: ALLOW_MS, orElse: () => Effect.succeed(undefined) }),
        Effect.catchDefect((defect) =>
          Effect.as(Effect.logError("allow broke: the peer is asked to come again", defect), undefined),
        ),
        Effect.onInterrupt(() => Effect.sync(() => answer(undefined))),
        Effect.map(answer),
      )
      // In a turn of its own, also if the answer is there at once.
      timers.runSoon(() => fork(asked))
    },
  })

/** Whether the peer may do this: the answer for a stream or a neighbour, asked for if it is not known. */
export const admissionOf = (
  admissions: Admissions | undefined,
  peer: EndpointId.EndpointId,
  as: AllowRole,
): Effect.Effect<AllowAnswer> =>
  admissions === undefined
    ? Effect.succeed("admit")
    : Effect.callback<AllowAnswer>((resume) =>
        admissions.get(peer, as, (answer) => resume(Effect.succeed(answer ?? "refuse"))),
      )
