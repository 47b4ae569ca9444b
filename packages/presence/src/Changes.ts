/**
 * The changes of the members for one reader. Of a member that changes several times before the reader reads, the reader gets the last state only; it never
 * misses that somebody came or is gone. So what waits for a slow reader is bounded by the number of members.
 */
import type { EndpointId } from "@topic-tracker/crypto"
import { Cause, Effect, type Pull } from "effect"
import type { Member, PresenceChange } from "./model.ts"

/** A member as it is now: here with its state, or gone and how. */
export type Now<S> =
  | { readonly _tag: "Here"; readonly member: Member<S> }
  | { readonly _tag: "Gone"; readonly reason: "Left" | "Lost" }

/** One reader. */
export class Changes<S> {
  /** The members as the reader knows them. */
  readonly #shown = new Map<EndpointId.EndpointId, Member<S>>()
  readonly #pending = new Map<EndpointId.EndpointId, Now<S>>()
  #waiting: (() => void) | undefined
  #isClosed = false

  constructor(members: ReadonlyMap<EndpointId.EndpointId, Member<S>>) {
    for (const [id, member] of members) this.#pending.set(id, { _tag: "Here", member })
  }

  push(id: EndpointId.EndpointId, now: Now<S>): void {
    if (this.#isClosed) return
    this.#pending.set(id, now)
    this.#wake()
  }

  /** Ends the stream after the changes that wait. */
  close(): void {
    this.#isClosed = true
    this.#wake()
  }

  /** All changes that wait, at least one. */
  readonly pull: Pull.Pull<readonly [PresenceChange<S>, ...Array<PresenceChange<S>>]> = Effect.suspend(() => {
    const [first, ...rest] = this.#takeAll()
    if (first !== undefined) return Effect.succeed([first, ...rest] as const)
    if (this.#isClosed) return Cause.done()
    return Effect.callback<void>((resume) => {
      this.#waiting = () => resume(Effect.void)
      return Effect.sync(() => {
        this.#waiting = undefined
      })
    }).pipe(Effect.andThen(this.pull))
  })

  #takeAll(): Array<PresenceChange<S>> {
    const changes: Array<PresenceChange<S>> = []
    for (const [id, now] of this.#pending) {
      const before = this.#shown.get(id)
      if (now._tag === "Here") {
        const { member } = now
        this.#shown.set(id, member)
        if (before === undefined) changes.push({ _tag: "Joined", member })
        else if (member.suspected && !before.suspected) changes.push({ _tag: "Suspected", member })
        else if (member !== before) changes.push({ _tag: "Updated", member })
      } else if (before !== undefined) {
        this.#shown.delete(id)
        changes.push({ _tag: now.reason, member: before })
      }
    }
    this.#pending.clear()
    return changes
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }
}
