/**
 * An attacker that does not give up: it writes frames on a topic's stream at a rate, and when it is thrown out it comes back, under the same
 * key or a new one.
 */
import { Effect } from "effect"
import type { AttackFailed } from "../harness/Attack.ts"
import { IrohPeer, type Target } from "./IrohPeer.ts"

export interface WritingOptions {
  readonly target: Target
  readonly topic: string
  /** What is written each `everyMs`. */
  readonly next: () => Uint8Array
  readonly everyMs: number
  /** What is written first on each stream. */
  readonly first?: (peer: IrohPeer) => Uint8Array
  /** Whether it comes back under a new key. */
  readonly newKeys: boolean
  /** The address that it binds. Default: loopback. */
  readonly host?: string
}

const AGAIN_MS = 100

/** Runs until interrupted. `progress` counts the bytes written and the times that the attacker came. */
export const keepWriting = (
  { everyMs, first, host, newKeys, next, target, topic }: WritingOptions,
  progress: { bytes: number; visits: number } = { bytes: 0, visits: 0 },
): Effect.Effect<never, AttackFailed> => {
  const visit = (peer: IrohPeer) =>
    Effect.callback<void>((resume) => {
      let isOver = false
      const write = async (): Promise<void> => {
        const link = await peer.dial(target)
        progress.visits++
        link.read(() => {})
        const stream = await link.open(topic)
        if (first !== undefined) await stream.write(first(peer))
        const begun = performance.now()
        for (let tick = 1; !isOver; tick++) {
          const bytes = next()
          await stream.write(bytes)
          progress.bytes += bytes.length
          const wait = begun + tick * everyMs - performance.now()
          if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
        }
        link.close()
      }
      write().then(
        () => resume(Effect.void),
        () => resume(Effect.void),
      )
      return Effect.sync(() => {
        isOver = true
      })
    })
  const again = (peer: IrohPeer) => Effect.andThen(visit(peer), Effect.sleep(AGAIN_MS))
  return newKeys
    ? Effect.forever(Effect.scoped(Effect.flatMap(IrohPeer.make(host), again)))
    : Effect.scoped(Effect.flatMap(IrohPeer.make(host), (peer) => Effect.forever(again(peer))))
}
