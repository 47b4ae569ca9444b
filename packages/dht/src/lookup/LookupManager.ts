/**
 * Runs lookups for many targets at once. Lookups of the same target are one, and each starts from the nodes at which the last one
 * ended ({@link ClosestNodes}).
 */

import { bytesKey } from "../krpc/nodeId.ts"
import type { GetOptions, MutableKey } from "../model.ts"
import type { CallTrace } from "../trace.ts"
import { type AnsweredNode, ClosestNodes } from "./ClosestNodes.ts"
import { Lookup } from "./Lookup.ts"
import type { LookupContext } from "./LookupContext.ts"
import type { Subscriber, Subscription } from "./Subscriber.ts"

export class LookupManager {
  /** Lookups begun. */
  begun = 0
  readonly #context: LookupContext
  readonly #running = new Map<string, Lookup>()
  readonly #closest: ClosestNodes
  #closed = false

  /** Whether a lookup runs. */
  get isRunning(): boolean {
    return this.#running.size > 0
  }

  /** Run {@link close} at the end. */
  constructor(context: LookupContext) {
    this.#context = context
    this.#closest = new ClosestNodes(() => context.timers.now())
  }

  /**
   * Joins the running lookup of the target, or starts one. Items found before joining come first. Without a key the lookup finds
   * only nodes. The options are those of `Dht.get`; a started lookup has a span below `trace`.
   */
  subscribe(
    target: Uint8Array,
    key: MutableKey | undefined,
    subscriber: Subscriber,
    { priority = false, nodes }: GetOptions,
    trace?: CallTrace,
  ): Subscription {
    const method = key === undefined ? "find_node" : "get"
    const whole = `${method} ${bytesKey(target)}`
    const { k } = this.#context
    const known = this.#closest.nearest(target)
    const running = this.#running.get(whole)
    // The answers of the nearest nodes to a running lookup are older than this get.
    const isPartial =
      nodes !== undefined && nodes < k && known !== undefined && (running === undefined || running.hasNearest)
    const name = isPartial ? `${nodes} of ${whole}` : whole
    let lookup = this.#running.get(name)
    if (lookup === undefined) {
      const endSpan = trace?.startLookup(method, target)
      const started = new Lookup(this.#context, {
        target,
        key,
        k: isPartial ? nodes : k,
        known,
        onNearest: (nearest) => this.#closest.rememberNearest(target, nearest),
        onEnd: (found, end) => {
          this.#running.delete(name)
          if (!isPartial && found !== undefined) this.#closest.rememberAll(target, found)
          if (isPartial && end.answered === 0) this.#closest.forget(target)
          endSpan?.(end)
        },
      })
      // The timers have ended with the client.
      if (this.#closed) queueMicrotask(() => started.close())
      this.#running.set(name, started)
      this.begun++
      lookup = started
    }
    if (priority) lookup.priority = true
    return lookup.join(subscriber)
  }

  /** The nodes to put to, from a lookup that ended in the last five minutes; undefined if there was none. */
  nodesToPutTo(target: Uint8Array): ReadonlyArray<AnsweredNode> | undefined {
    return this.#closest.complete(target)
  }

  /** Forgets which nodes are closest to the target: their tokens were refused, or none answered. */
  forget(target: Uint8Array): void {
    this.#closest.forget(target)
  }

  /** Ends all lookups; their subscribers are notified. */
  close(): void {
    this.#closed = true
    for (const lookup of this.#running.values()) lookup.close()
  }
}
