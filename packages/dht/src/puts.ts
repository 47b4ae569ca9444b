/** Sends one signed item to the nodes closest to its target, all at once, and sums up what they say. */
import { Effect } from "effect"
import type { EncodableDictionary } from "./bencode.ts"
import type { PutReceipt } from "./Dht.ts"
import { DhtError } from "./DhtError.ts"
import type { KrpcSocket } from "./KrpcSocket.ts"
import { ErrorCode } from "./krpcMessage.ts"
import type { HeardNode } from "./Walk.ts"

export interface PutOutcome extends PutReceipt {
  /** How often each error code was the answer. */
  readonly errors: ReadonlyMap<number, number>
  /** Nobody stored it, and nobody had anything against the item itself: only tokens were refused, or all were silent. */
  readonly stale: boolean
}

/**
 * Ends when every node has answered or is slow; as long as none has stored the item, slow ones are waited for. The
 * message's `target` is not in BEP 44, but mainline nodes of the Rust client drop a put without it.
 */
export const sendPuts = (
  socket: KrpcSocket,
  nodes: ReadonlyArray<HeardNode>,
  message: EncodableDictionary,
): Effect.Effect<PutOutcome> =>
  Effect.callback<PutOutcome>((resume) => {
    const errors = new Map<number, number>()
    let stored = 0
    let awaited = nodes.length
    let slow = 0
    const settle = () => {
      if (awaited > 0 && (stored === 0 || awaited > slow)) return
      const stale = stored === 0 && [...errors.keys()].every((code) => code === ErrorCode.Protocol)
      resume(Effect.succeed({ stored, asked: nodes.length, errors, stale }))
    }
    for (const node of nodes) {
      let isSlow = false
      socket.query(node, "put", { ...message, token: node.token }, (event) => {
        if (event._tag === "slow") {
          isSlow = true
          slow++
        } else {
          awaited--
          if (isSlow) slow--
          if (event._tag === "reply") stored++
          if (event._tag === "error") errors.set(event.code, (errors.get(event.code) ?? 0) + 1)
        }
        settle()
      })
    }
    settle()
  })

/** The receipt of an item that was stored, or why it was not. */
export const receipt = ({ stored, asked, errors }: PutOutcome): Effect.Effect<PutReceipt, DhtError> => {
  if (stored > 0) return Effect.succeed({ stored, asked })
  if (asked === 0) {
    return Effect.fail(new DhtError({ reason: "NoNodes", message: "put: no node gave a token to put with" }))
  }
  if (errors.size === 0) {
    return Effect.fail(new DhtError({ reason: "Timeout", message: `put: none of ${asked} nodes answered` }))
  }
  const codes = [...errors].map(([code, count]) => `${describe(code)} (${count} of ${asked})`).join(", ")
  return Effect.fail(new DhtError({ reason: "Rejected", message: `put: stored by none of ${asked} nodes: ${codes}` }))
}

const describe = (code: number): string => {
  switch (code) {
    case ErrorCode.CasMismatch:
      return "301 cas is not the seq they hold"
    case ErrorCode.SeqLessThanCurrent:
      return "302 they hold a newer item"
    default:
      return `error ${code}`
  }
}
