/** The event log of a run of whole topics, line by line. Two runs are equal if their logs are; the hash identifies a log. */
import { createHash } from "node:crypto"

export class TopicLog {
  readonly #hash = createHash("sha256")
  readonly #keep: ((line: string) => void) | undefined
  #pending = ""
  #count = 0

  /** `keep` receives each line. */
  constructor(keep?: (line: string) => void) {
    this.#keep = keep
  }

  get lines(): number {
    return this.#count
  }

  /** Adds an event: ms since the start, the node's number, and a text. */
  addLine(at: number, node: number, text: string): void {
    const line = `${at} ${node} ${text}\n`
    this.#count++
    this.#keep?.(line)
    this.#pending += line
    if (this.#pending.length >= 65_536) this.#flush()
  }

  /** The hash of all lines, 16 hex digits. Nothing can be added afterwards. */
  finish(): string {
    this.#flush()
    return this.#hash.digest("hex").slice(0, 16)
  }

  #flush(): void {
    this.#hash.update(this.#pending)
    this.#pending = ""
  }
}
