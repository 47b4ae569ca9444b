/** What happened in a run of whole topics, line by line. Two runs are the same when their logs are; a hash stands for one. */
import { createHash } from "node:crypto"

export class TopicLog {
  private readonly hash = createHash("sha256")
  private readonly keep: ((line: string) => void) | undefined
  private pending = ""
  private count = 0

  /** `keep` gets each line as well. */
  constructor(keep?: (line: string) => void) {
    this.keep = keep
  }

  get lines(): number {
    return this.count
  }

  /** At `at` ms since the world began, node `node` (−1: the world itself) saw this. */
  add(at: number, node: number, what: string): void {
    const line = `${at} ${node} ${what}\n`
    this.count++
    this.keep?.(line)
    this.pending += line
    if (this.pending.length >= 65_536) this.flush()
  }

  /** The hash of all lines, 16 hex digits; nothing can be added after it. */
  finish(): string {
    this.flush()
    return this.hash.digest("hex").slice(0, 16)
  }

  private flush(): void {
    this.hash.update(this.pending)
    this.pending = ""
  }
}
