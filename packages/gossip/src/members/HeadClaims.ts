/**
 * The meaning of the heads that neighbours tell: which messages were sent before this node came, and which are to be asked for. A head is a
 * claim, nothing more: what follows from it is bounded by those whose state this reads and changes.
 */
import { toHex } from "@topic-tracker/common/Bytes"
import type { Authors } from "./Authors.ts"
import type { RepairServer } from "./RepairServer.ts"
import type { ClaimOptions, Repairs } from "./Repairs.ts"
import type { RepairMessage } from "./repairMessages.ts"
import type { StateLimits } from "./StateLimits.ts"

/** The state that heads change. */
export interface HeadClaimsOptions {
  readonly authors: Authors
  readonly limits: StateLimits
  readonly repairs: Repairs
  readonly server: RepairServer
  /** Hex of our endpoint id. */
  readonly self: string
  /** Channels whose recent messages a newcomer gets, too. */
  readonly fromRecent: ((channel: string) => boolean) | undefined
}

/** The heads of one topic. */
export class HeadClaims {
  readonly #options: HeadClaimsOptions
  #areHeard = false

  constructor(options: HeadClaimsOptions) {
    this.#options = options
  }

  /** Whether a neighbour has told what was sent before we came: from then on no message is missed. */
  get areHeard(): boolean {
    return this.#areHeard
  }

  /** Takes the heads of a neighbour, unless it is not believed any more. */
  receive(from: string, heads: Extract<RepairMessage, { readonly _tag: "Heads" }>["heads"], now: number): void {
    const { server } = this.#options
    const isFirst = server.noteFirstHeads(from)
    if (!server.hearsHeads(from, now)) return
    for (const { seq, stream } of heads) this.#claim(from, stream, seq, isFirst, now)
    this.#areHeard = true
  }

  #claim(from: string, bytes: Uint8Array, head: number, isFirst: boolean, now: number): void {
    const { authors, repairs, self, server } = this.#options
    const key = toHex(bytes)
    if (key.startsWith(self) || authors.isClosed(key)) return
    repairs.noteTeller(key, head, from, isFirst, now)
    const known = authors.stream(key)?.order.highest ?? 0
    const kind = isFirst ? this.#firstKind(key, from, { head, known }, now) : "news"
    if (kind === "start") server.noteEarlierHead(key, bytes, head)
    if (kind !== undefined) repairs.claim(key, bytes, head, from, { kind, known }, now)
  }

  /** The meaning of the head in the first message of a neighbour. */
  #firstKind(
    key: string,
    from: string,
    { head, known }: { readonly head: number; readonly known: number },
    now: number,
  ): ClaimOptions["kind"] | undefined {
    const { fromRecent, limits, repairs } = this.#options
    if (fromRecent?.(key.slice(80)) === true) return "all"
    if (!this.#areHeard) return "start"
    if (known > 0) return "news"
    // It was told at our start already: nothing is to be asked for.
    if (repairs.coversBefore(key, head)) return undefined
    return limits.takePast(from, now) ? "past" : undefined
  }
}
