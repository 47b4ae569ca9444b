/** The options with which a topic opens its members-only gossip, from its key and the services of the process. */
import type { Timers } from "@topic-tracker/common"
import { Crypto, Identity, SecretRotation } from "@topic-tracker/crypto"
import type { MembersOptions } from "@topic-tracker/gossip"
import { Effect } from "effect"
import type { ActivityLog } from "../ActivityLog.ts"
import type { TopicKey } from "../TopicKey.ts"
import { DoorWatch } from "./DoorWatch.ts"

export const makeMembersOptions = Effect.fnUntraced(function* (
  { secretHash, settings, topic }: TopicKey,
  activity: ActivityLog,
  timers: Timers,
): Effect.fn.Return<
  { readonly options: MembersOptions; readonly doors: DoorWatch },
  never,
  Crypto | Identity | SecretRotation
> {
  const rotation = yield* SecretRotation
  const run = Effect.runForkWith(yield* Effect.context())
  const doors = new DoorWatch({ topic, activity, timers, rotation, run })
  const { allow, overlapMinutes } = settings.members
  const options: MembersOptions = {
    crypto: yield* Crypto,
    rotation,
    author: (yield* Identity).signingKey,
    topic,
    secretHash,
    onRefused: (peer, reason, byPeer) => doors.refused(peer, reason, byPeer),
    ...(allow === undefined ? {} : { allow }),
    ...(overlapMinutes === undefined ? {} : { overlap: overlapMinutes }),
  }
  return { options, doors }
})
