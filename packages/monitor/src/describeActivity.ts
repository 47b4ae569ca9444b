/** An entry of `topic.activity`, and a change of a member, as a line for people. */
import type { Activity, MemberChange } from "@topic-tracker/core"
import type { Line } from "./MonitorState.ts"

type Said = Pick<Line, "level" | "text">

const short = (id: string): string => `${id.slice(0, 8)}…`
const info = (text: string): Said => ({ level: "info", text })
const good = (text: string): Said => ({ level: "good", text })
const bad = (text: string): Said => ({ level: "bad", text })

/** The others, by the name of the activity. */
const PLAIN: Readonly<Partial<Record<Activity["_tag"], Said>>> = {
  BootstrapBegan: info("searches for a neighbour"),
  SecondSlotEnded: good("the second slot is no longer needed"),
  RecordHidden: bad("the DHT confirmed our record, and lookups do not find it"),
  AccessLost: bad("no member lets this node in any more"),
  Alone: bad("the last neighbour is gone"),
  NetworkChanged: info("the network of this host changed"),
  Suspended: info("suspended"),
  Resumed: info("resumed"),
}

export const describeActivity = (activity: Activity): Said => {
  switch (activity._tag) {
    case "RecordPublished":
      return info(`${activity.stored} DHT nodes stored our record, in ${Math.round(activity.millis)} ms`)
    case "RecordSkipped":
      return info(`published nothing: the slot has ${activity.found} records`)
    case "RecordRefused":
      return bad("every DHT node kept a record that it had before ours")
    case "RecordFound":
      return info(`read the record of ${short(activity.publisher)} after ${Math.round(activity.millis)} ms`)
    case "DialBegan":
      return info(
        `dials ${short(activity.peer)}, ${activity.source === undefined ? "from an invitation" : `from the record of ${short(activity.source.publisher)}`}`,
      )
    case "DialUnanswered":
      return bad(`no answer from ${short(activity.peer)} in ${Math.round(activity.millis)} ms`)
    case "Joined":
      return good(
        `joined ${short(activity.peer)} after ${Math.round(activity.millis)} ms, ${activity.source === undefined ? "it dialled us" : `through the record of ${short(activity.source.publisher)}`}`,
      )
    case "ClockOff":
      return bad(`our clock is ${Math.abs(activity.minutes)} minutes ${activity.minutes > 0 ? "ahead" : "behind"}`)
    case "SecondSlotBegan":
      return bad(
        `the second slot is used too: ${activity.reason === "garbage" ? "strangers fill the public one" : "our record is hidden"}`,
      )
    case "Reconnecting":
      return info(`asks ${activity.peers.length} former neighbours`)
    case "NoKnownMember":
      return bad(`no record shows one of the ${activity.neighbors} neighbours as a member`)
    case "AccessMismatch":
      return bad(`others joined with access "${activity.theirs}"`)
    case "NothingOpens":
      return bad(`the secret opens none of ${activity.records} records`)
    case "Refused":
      return bad(
        `${activity.byPeer ? `refused by ${short(activity.peer)}` : `refused ${short(activity.peer)}`}: ${activity.reason}`,
      )
    case "Merging":
      return info(`merges with ${activity.peers.length} peers`)
    case "Failed":
      return bad(`${activity.by}: ${activity.message}`)
    default:
      return PLAIN[activity._tag] ?? info(activity._tag)
  }
}

/** Undefined for a new state: members may change theirs all the time, and the table shows it. */
export const describeMember = ({ _tag, id }: MemberChange): Said | undefined => {
  switch (_tag) {
    case "Joined":
      return good(`${short(id)} joined`)
    case "Suspected":
      return bad(`${short(id)} is suspected: a neighbour of it does not hear it`)
    case "Left":
      return info(`${short(id)} left`)
    case "Lost":
      return bad(`${short(id)} is lost`)
    default:
      return undefined
  }
}
