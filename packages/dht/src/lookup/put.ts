/** Sends one signed item to the nodes closest to its target, all at the same time, and sums up their answers. */
import { Effect } from "effect"
import { DhtError } from "../DhtError.ts"
import type { EncodableDictionary } from "../krpc/bencode.ts"
import type { KrpcSocket, QueryEvent } from "../krpc/KrpcSocket.ts"
import { ErrorCode } from "../krpc/message.ts"
import type { PutReceipt, PutRequest } from "../model.ts"
import type { AnsweredNode } from "./ClosestNodes.ts"
import type { QueryScheduler, QuerySource } from "./QueryScheduler.ts"

/**
 * The shortest time in ms before the answer to a put is slow. A node checks a signature before it answers, all nodes get their put at the same
 * time, and many may share a processor. A lookup asks another node in place of a slow one; nothing takes the place of a put.
 */
const PATIENCE_MS = 250

export interface PutOutcome extends PutReceipt {
  /** The count of each error code among the answers. */
  readonly errors: ReadonlyMap<number, number>
  /** No node stored it, and none refused the item itself: tokens were refused, nodes failed, or all were silent. */
  readonly stale: boolean
}

/** The nodes to put to; they may become known bit by bit. */
export interface PutTargets {
  /** Puts to the nodes that gave a token and have not been asked. */
  readonly addNodes: (nodes: ReadonlyArray<AnsweredNode>) => void
  /** No more nodes come. */
  readonly complete: () => void
  /** No more nodes come, for this reason: the put fails with it unless it is under way. */
  readonly fail: (error: DhtError) => void
}

/**
 * Puts to the nodes that `find` adds, as it adds them; `find` returns a function that stops it. Ends when every node has answered
 * or is slow; as long as no node has stored the item, slow ones are waited for. The `target` in the message is not in BEP 44, but
 * mainline nodes of the Rust client drop a put without it.
 */
export const sendPuts = (
  socket: KrpcSocket,
  scheduler: QueryScheduler,
  message: EncodableDictionary,
  options: Pick<PutRequest, "priority" | "onStored">,
  find: (targets: PutTargets) => () => void,
): Effect.Effect<PutOutcome, DhtError> =>
  Effect.callback<PutOutcome, DhtError>((resume) => {
    const put = new Put(socket, scheduler, message, options, resume)
    const stop = find(put)
    return Effect.sync(() => {
      stop()
      put.giveUp()
    })
  })

class Put implements QuerySource, PutTargets {
  readonly priority: boolean
  readonly #socket: KrpcSocket
  readonly #scheduler: QueryScheduler
  readonly #nodes: Array<AnsweredNode> = []
  readonly #message: EncodableDictionary
  #onStored: PutRequest["onStored"]
  readonly #done: (outcome: Effect.Effect<PutOutcome, DhtError>) => void
  readonly #errors = new Map<number, number>()
  #asked = 0
  #stored = 0
  /** Nodes without a final event, and the slow ones among them. */
  #awaited = 0
  #slow = 0
  #isComplete = false

  constructor(
    socket: KrpcSocket,
    scheduler: QueryScheduler,
    message: EncodableDictionary,
    { priority = false, onStored }: Pick<PutRequest, "priority" | "onStored">,
    done: (outcome: Effect.Effect<PutOutcome, DhtError>) => void,
  ) {
    this.priority = priority
    this.#onStored = onStored
    this.#socket = socket
    this.#scheduler = scheduler
    this.#message = message
    this.#done = done
  }

  readonly addNodes = (nodes: ReadonlyArray<AnsweredNode>): void => {
    for (const node of nodes) {
      if (node.token === undefined) continue
      if (this.#nodes.some(({ host, port }) => host === node.host && port === node.port)) continue
      this.#nodes.push(node)
      this.#awaited++
    }
    this.#scheduler.schedule(this)
  }

  complete(): void {
    this.#isComplete = true
    this.#settle()
  }

  fail(error: DhtError): void {
    if (this.#nodes.length > 0) this.complete()
    else this.#done(Effect.fail(error))
  }

  /** Asks no more nodes; the answers that are still to come have no effect. */
  giveUp(): void {
    this.#scheduler.remove(this)
    this.#onStored = undefined
  }

  askOne(): boolean {
    const node = this.#nodes[this.#asked]
    if (node === undefined) return false
    this.#asked++
    let isSlow = false
    const onEvent = (event: QueryEvent) => {
      if (event._tag === "slow") {
        isSlow = true
        this.#slow++
        this.#scheduler.release()
      } else {
        this.#awaited--
        if (isSlow) this.#slow--
        else this.#scheduler.release()
        if (event._tag === "reply" && ++this.#stored === this.#onStored?.nodes) this.#onStored.run()
        if (event._tag === "error") this.#errors.set(event.code, (this.#errors.get(event.code) ?? 0) + 1)
      }
      this.#settle()
    }
    this.#socket.query(node, "put", { ...this.#message, token: node.token }, onEvent, undefined, PATIENCE_MS)
    return true
  }

  #settle(): void {
    if (!this.#isComplete) return
    if (this.#awaited > 0 && (this.#stored === 0 || this.#awaited > this.#slow)) return
    const errors = this.#errors
    const stored = this.#stored
    const stale = stored === 0 && !isRefused(errors)
    this.#done(Effect.succeed({ stored, asked: this.#nodes.length, errors, stale }))
  }
}

/** The receipt of an item that was stored, or the reason why it was not. */
export const receipt = ({ stored, asked, errors }: PutOutcome): Effect.Effect<PutReceipt, DhtError> => {
  if (stored > 0) return Effect.succeed({ stored, asked })
  if (asked === 0) {
    return Effect.fail(new DhtError({ reason: "NoNodes", message: "put: no node gave a token to put with" }))
  }
  if (errors.size === 0) {
    return Effect.fail(new DhtError({ reason: "Timeout", message: `put: none of ${asked} nodes answered` }))
  }
  const codes = [...errors].map(([code, count]) => `${describe(code)} (${count} of ${asked})`).join(", ")
  // A wrong token or a fault of the node itself does not concern the item: as if it had not answered.
  const reason = isRefused(errors) ? "Rejected" : "Timeout"
  return Effect.fail(new DhtError({ reason, message: `put: stored by none of ${asked} nodes: ${codes}` }))
}

/** Whether a node refused the item itself. */
const isRefused = (errors: PutOutcome["errors"]): boolean => [...errors.keys()].some((code) => REFUSALS.has(code))

/** The errors of BEP 44 from a node that stores other items, but not this one. */
const REFUSALS: ReadonlySet<number> = new Set([
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
