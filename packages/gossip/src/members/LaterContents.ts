/** Contents that wait for the answer of `allow` about their author, within bounds: more are dropped, and asked for again. */
import { toHex } from "@topic-tracker/common/Bytes"
import type { EndpointId } from "@topic-tracker/crypto"
import { Envelope } from "@topic-tracker/crypto/members"

const MAX_LATER = 256
const MAX_LATER_BYTES = 1_000_000

/** A content, the neighbour that brought it, and its scope. */
export interface Later {
  readonly from: EndpointId.EndpointId
  readonly content: Uint8Array
  readonly scope: Envelope.EnvelopeScope
}

/** The contents that wait in one topic. */
export class LaterContents {
  #waiting: Array<Later> = []
  #bytes = 0

  add(later: Later): void {
    if (this.#waiting.length >= MAX_LATER || this.#bytes + later.content.length > MAX_LATER_BYTES) return
    this.#waiting.push(later)
    this.#bytes += later.content.length
  }

  /** Those of this author, in the order in which they came. They do not wait any more. */
  take(author: string): ReadonlyArray<Later> {
    const taken = this.#waiting.filter(({ content }) => toHex(Envelope.author(content)) === author)
    if (taken.length === 0) return taken
    this.#waiting = this.#waiting.filter((each) => !taken.includes(each))
    for (const { content } of taken) this.#bytes -= content.length
    return taken
  }
}
