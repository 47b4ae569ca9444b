/**
 * The activity log of a topic: a stream of what the topic does, and its counters, over all sessions of the topic. It also holds
 * the failure policy: a failure of the search or of a worker is logged and counted, and never ends the topic.
 */
import type { Timers } from "@topic-tracker/common"
import { Effect, type Stream } from "effect"
import type { SlotEvent } from "../records/SecondSlot.ts"
import type { FailureLog } from "../shared/FailureLog.ts"
import { EventHub } from "./EventHub.ts"
import type { Activity, Actor, TopicActivity, TopicStats } from "./TopicActivity.ts"

/** The number of past activities that a new subscriber gets first. */
const REPLAY = 64
/** The number of activities that wait for a slow subscriber; older ones are dropped. */
const CAPACITY = 256

type Counter = Exclude<keyof TopicStats, "messagesReceived">

/** The services and settings of an activity log. */
export interface ActivityLogOptions {
  readonly timers: Timers
  readonly failureLog: FailureLog
  /** Annotations of every log line, such as the topic's id. */
  readonly annotations: Readonly<Record<string, string>>
}

export class ActivityLog {
  readonly counters: Record<Counter, number> = {
    lookups: 0,
    runsSkipped: 0,
    recordsPublished: 0,
    recordsSkipped: 0,
    recordsRefused: 0,
    dials: 0,
    merges: 0,
    failures: 0,
  }
  readonly #hub = new EventHub<TopicActivity>({ replay: REPLAY })
  readonly #options: ActivityLogOptions
  readonly #openedAt: number
  readonly #warned = new Set<Activity["_tag"]>()

  constructor(options: ActivityLogOptions) {
    this.#options = options
    this.#openedAt = options.timers.now()
  }

  /** The last activities, then every new one. A slow subscriber loses the oldest. */
  stream(): Stream.Stream<TopicActivity> {
    return this.#hub.stream({ capacity: CAPACITY })
  }

  /** Adds an activity. */
  report(activity: Activity): Effect.Effect<void> {
    return Effect.suspend(() => {
      const at = Math.round(this.#options.timers.now() - this.#openedAt)
      return this.#hub.publish([{ at, ...activity }])
    })
  }

  /** Runs the effect. A failure or a defect is logged and counted, never propagated. */
  ignoreFailure(by: Actor) {
    return <E extends { readonly message: string }, R>(
      effect: Effect.Effect<unknown, E, R>,
    ): Effect.Effect<void, never, R> =>
      Effect.asVoid(effect).pipe(
        Effect.catch((error) => this.reportFailure(by, error)),
        Effect.catchDefect((defect) => this.reportFailure(by, { message: String(defect) })),
      )
  }

  /** Counts and reports a failure that ends nothing. The log level is Warn for a new failure and Debug for a repeated one. */
  reportFailure(by: Actor, { message }: { readonly message: string }): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.counters.failures++
      const { annotations, failureLog } = this.#options
      const text = `topic ${by} failed and will try again: ${message}`
      const log = failureLog.isNew(text) ? Effect.logWarning(text) : Effect.logDebug(text)
      return Effect.andThen(Effect.annotateLogs(log, annotations), this.report({ _tag: "Failed", by, message }))
    })
  }

  /** Reports and warns that the clock is ahead of that of a peer by these minutes; negative: behind it. */
  reportClockOff(minutes: number): Effect.Effect<void> {
    const text =
      `this node's clock is ${Math.abs(minutes)} minutes ${minutes > 0 ? "ahead of" : "behind"} a peer's: ` +
      "one of them is wrong, and nodes find each other late because of that; set it, for example with NTP"
    return Effect.andThen(
      Effect.annotateLogs(Effect.logWarning(text), this.#options.annotations),
      this.report({ _tag: "ClockOff", minutes }),
    )
  }

  /** Reports a change of the slots in use, and logs its reason. */
  reportSlotEvent(event: SlotEvent): Effect.Effect<void> {
    const reported = this.report(event)
    if (event._tag !== "SecondSlotBegan") return reported
    const sign = event.reason === "garbage" ? "shows items that no member made" : "does not show our record"
    return Effect.andThen(reported, this.logOnce(`the topic's slot in the DHT ${sign}: the second slot is used too`))
  }

  /** There is a record of a node that joined with this access, which is not ours. Reports and warns once. */
  reportAccessMismatch(theirs: "open" | "members"): Effect.Effect<void> {
    const ours = theirs === "open" ? "members" : "open"
    return this.#warnOnce(
      { _tag: "AccessMismatch", theirs },
      `nodes joined this topic with access: "${theirs}", this node with "${ours}": they cannot meet; use the same access in all of them`,
    )
  }

  /** So many records were read, and none opens; or so many peers were dialled, and no door opens. Reports and warns once. */
  reportNothingOpens(records: number, closedDoors: number): Effect.Effect<void> {
    const found =
      records > 0
        ? `${records} records of this topic were read and none opens`
        : `${closedDoors === 1 ? "a member" : `${closedDoors} members`} of this topic did not let this node in`
    return this.#warnOnce(
      { _tag: "NothingOpens", records },
      `${found}: check the secret, and that all nodes have the same rotation`,
    )
  }

  /** Reports and warns that the members do not let this node in any more. */
  reportAccessLost(): Effect.Effect<void> {
    const text =
      "the members of this topic do not let this node in any more: their secret was probably replaced, and this node lacks the new one; " +
      "add it with topic.replaceSecret, or join with an invitation that has it"
    return Effect.andThen(
      Effect.annotateLogs(Effect.logWarning(text), this.#options.annotations),
      this.report({ _tag: "AccessLost" }),
    )
  }

  #warnOnce(activity: Activity, text: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#warned.has(activity._tag)) return Effect.void
      this.#warned.add(activity._tag)
      return Effect.andThen(
        Effect.annotateLogs(Effect.logWarning(text), this.#options.annotations),
        this.report(activity),
      )
    })
  }

  /** Logs the text, unless a topic of this process has logged the same text a moment ago. */
  logOnce(text: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { annotations, failureLog } = this.#options
      return failureLog.isNew(text) ? Effect.annotateLogs(Effect.logInfo(text), annotations) : Effect.void
    })
  }

  /** Ends every stream of the log, after the activities that wait for it. */
  end(): Effect.Effect<void> {
    return this.#hub.end
  }
}
