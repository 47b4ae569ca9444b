/** Sends one signed item to the nodes closest to its target, all at once, and sums up what they say. */
import { Effect } from "effect"
import type { PutReceipt, PutRequest } from "../Dht.ts"
import { DhtError } from "../DhtError.ts"
import type { EncodableDictionary } from "../krpc/bencode.ts"
import type { KrpcSocket } from "../krpc/KrpcSocket.ts"
import { ErrorCode } from "../krpc/krpcMessage.ts"
import type { HeardNode } from "./heardNodes.ts"
import type { Asker, Turns } from "./Turns.ts"

export interface PutOutcome extends PutReceipt {
  /** How often each error code was the answer. */
  readonly errors: ReadonlyMap<number, number>
  /** Nobody stored it, and nobody had anything against the item itself: tokens were refused, nodes failed, or all were silent. */
  readonly stale: boolean
}

/** Where to put; who asks may learn of the nodes bit by bit. */
export interface PutTargets {
  /** Puts at those among the nodes that gave a token and where it has not been put. */
  readonly add: (nodes: ReadonlyArray<HeardNode>) => void
  /** No more nodes come. */
  readonly complete: () => void
  /** None come, for this reason: the put fails with it, unless it is under way. */
  readonly fail: (error: DhtError) => void
}

/**
 * Puts at the nodes that `find` gives, as it gives them; it returns what ends it early. Ends when every node has answered or is
 * slow; as long as none has stored the item, slow ones are waited for. The message's `target` is not in BEP 44, but mainline
 * nodes of the Rust client drop a put without it.
 */
export const sendPuts = (
  socket: KrpcSocket,
  turns: Turns,
  message: EncodableDictionary,
  options: Pick<PutRequest, "ahead" | "whenStored">,
  find: (targets: PutTargets) => () => void,
): Effect.Effect<PutOutcome, DhtError> =>
  Effect.callback<PutOutcome, DhtError>((resume) => {
    const put = new Put(socket, turns, message, options, resume)
    const stop = find(put)
    return Effect.sync(() => {
      stop()
      put.giveUp()
    })
  })

class Put implements Asker, PutTargets {
  readonly ahead: boolean
  private readonly socket: KrpcSocket
  private readonly turns: Turns
  private readonly nodes: Array<HeardNode> = []
  private readonly message: EncodableDictionary
  private whenStored: PutRequest["whenStored"]
  private readonly done: (outcome: Effect.Effect<PutOutcome, DhtError>) => void
  private readonly errors = new Map<number, number>()
  private asked = 0
  private stored = 0
  /** Nodes without a final event, and how many of them are slow. */
  private awaited = 0
  private slow = 0
  private isComplete = false

  constructor(
    socket: KrpcSocket,
    turns: Turns,
    message: EncodableDictionary,
    { ahead = false, whenStored }: Pick<PutRequest, "ahead" | "whenStored">,
    done: (outcome: Effect.Effect<PutOutcome, DhtError>) => void,
  ) {
    this.ahead = ahead
    this.whenStored = whenStored
    this.socket = socket
    this.turns = turns
    this.message = message
    this.done = done
  }

  readonly add = (nodes: ReadonlyArray<HeardNode>): void => {
    for (const node of nodes) {
      if (node.token === undefined) continue
      if (this.nodes.some(({ host, port }) => host === node.host && port === node.port)) continue
      this.nodes.push(node)
      this.awaited++
    }
    this.turns.schedule(this)
  }

  complete(): void {
    this.isComplete = true
    this.settle()
  }

  fail(error: DhtError): void {
    if (this.nodes.length > 0) this.complete()
    else this.done(Effect.fail(error))
  }

  /** Asks nobody any more; the answers still to come are nobody's business. */
  giveUp(): void {
    this.turns.leave(this)
    this.whenStored = undefined
  }

  askOne(): boolean {
    const node = this.nodes[this.asked]
    if (node === undefined) return false
    this.asked++
    let isSlow = false
    this.socket.query(node, "put", { ...this.message, token: node.token }, (event) => {
      if (event._tag === "slow") {
        isSlow = true
        this.slow++
        this.turns.release()
      } else {
        this.awaited--
        if (isSlow) this.slow--
        else this.turns.release()
        if (event._tag === "reply" && ++this.stored === this.whenStored?.nodes) this.whenStored.run()
        if (event._tag === "error") this.errors.set(event.code, (this.errors.get(event.code) ?? 0) + 1)
      }
      this.settle()
    })
    return true
  }

  private settle(): void {
    if (!this.isComplete) return
    if (this.awaited > 0 && (this.stored === 0 || this.awaited > this.slow)) return
    const { stored, errors } = this
    const stale = stored === 0 && !isRefused(errors)
    this.done(Effect.succeed({ stored, asked: this.nodes.length, errors, stale }))
  }
}

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
  // A wrong token or a fault of the node's own says nothing of the item: as if it had not answered.
  const reason = isRefused(errors) ? "Rejected" : "Timeout"
  return Effect.fail(new DhtError({ reason, message: `put: stored by none of ${asked} nodes: ${codes}` }))
}

/** Whether a node had something against the item itself. */
const isRefused = (errors: PutOutcome["errors"]): boolean => [...errors.keys()].some((code) => refusals.has(code))

/** What BEP 44 has a node say that takes other items, but not this one. */
const refusals: ReadonlySet<number> = new Set([
  ErrorCode.ValueTooBig,
  ErrorCode.InvalidSignature,
  ErrorCode.SaltTooBig,
  ErrorCode.CasMismatch,
  ErrorCode.SeqLessThanCurrent,
])

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
