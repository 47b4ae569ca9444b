/**
 * Watches the doors of a members-only topic, for its activity log: which peers were refused, and that this node is no member any more. It
 * knows no doors; the gossip service tells it of each.
 */
import { BoundedMap, type Timers } from "@topic-tracker/common"
import { TokenBucket } from "@topic-tracker/common/TokenBucket"
import type { EndpointId, SecretRotation, TopicId } from "@topic-tracker/crypto"
import type { DoorFailure } from "@topic-tracker/gossip"
import { Clock, Effect } from "effect"
import type { ActivityLog } from "../ActivityLog.ts"

/** One refusal of a peer is reported once in this time. Strangers must not fill the log: in all, one a second after the first ones. */
const REPORT_AGAIN_MS = 60_000
const MAX_REFUSALS = 256
const REPORTS_BURST = 16
const REPORTS_PER_SECOND = 1
/** Former neighbours that are remembered. */
const MAX_FORMER = 64
/** After we changed our secret, one former neighbour that refuses us proves nothing: it may be the one that was excluded. */
const NEW_SECRET_MINUTES = 10
/** The refusals that a member with the current secret does not get from another. */
const EXCLUDES: ReadonlyArray<DoorFailure> = ["not here", "proof wrong", "not allowed"]

export interface DoorWatchOptions {
  readonly topic: TopicId
  readonly activity: ActivityLog
  readonly timers: Timers
  readonly rotation: SecretRotation["Service"]
  /** Runs an Effect in the background. */
  readonly run: (effect: Effect.Effect<void>) => void
}

export class DoorWatch {
  readonly #options: DoorWatchOptions
  readonly #reports = new TokenBucket(REPORTS_BURST, REPORTS_PER_SECOND)
  readonly #reported = new BoundedMap<string, number>(MAX_REFUSALS)
  readonly #former = new BoundedMap<EndpointId.EndpointId, true>(MAX_FORMER)
  /** Former neighbours that did not let us in, or that we did not let in, since the last neighbour came; true: they refused us. */
  readonly #closed = new BoundedMap<EndpointId.EndpointId, boolean>(MAX_FORMER)
  /** Peers that refused us before we had a neighbour. */
  readonly #refusers = new BoundedMap<EndpointId.EndpointId, true>(MAX_FORMER)
  #isAlone = true
  #hasToldLost = false

  constructor(options: DoorWatchOptions) {
    this.#options = options
  }

  /** How many peers refused us at the door, if no door has opened yet. */
  get closedDoors(): number {
    return this.#former.size === 0 ? this.#refusers.size : 0
  }

  /** A door did not open. Runs within a callback. */
  refused(peer: EndpointId.EndpointId, reason: DoorFailure, byPeer: boolean): void {
    const { activity, run, timers } = this.#options
    const now = timers.now()
    const key = `${peer} ${reason} ${byPeer}`
    const last = this.#reported.get(key)
    if ((last === undefined || now - last >= REPORT_AGAIN_MS) && this.#reports.take(now)) {
      this.#reported.set(key, now)
      run(activity.report({ _tag: "Refused", peer, reason, byPeer }))
    }
    if (byPeer && EXCLUDES.includes(reason)) this.#refusers.set(peer, true)
    if (!this.#former.has(peer) || !EXCLUDES.includes(reason) || (!byPeer && reason === "not allowed")) return
    this.#closed.set(peer, byPeer || this.#closed.get(peer) === true)
    this.#check()
  }

  /** A peer became a neighbour: it has proven the secret, and so have we. */
  neighborUp(peer: EndpointId.EndpointId): void {
    this.#former.set(peer, true)
    this.#closed.clear()
    this.#hasToldLost = false
  }

  setAlone(isAlone: boolean): void {
    this.#isAlone = isAlone
    if (isAlone) this.#check()
  }

  #check(): void {
    const { activity, rotation, run, topic } = this.#options
    if (!this.#isAlone || this.#hasToldLost || this.#closed.size === 0) return
    if (this.#closed.size >= 2) {
      this.#hasToldLost = true
      run(activity.reportAccessLost())
      return
    }
    if (![...this.#closed.values()].includes(true)) return
    run(
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const minute = Math.floor(now / 60_000)
        const since = rotation.secrets?.at(topic, minute)?.from ?? Number.NEGATIVE_INFINITY
        if (this.#hasToldLost || minute - since < NEW_SECRET_MINUTES) return Effect.void
        this.#hasToldLost = true
        return activity.reportAccessLost()
      }),
    )
  }
}
