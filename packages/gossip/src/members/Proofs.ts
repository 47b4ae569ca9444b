/**
 * The proofs of membership of a topic's peers: how long each is valid, and when it is renewed. Times are ms on one monotonic clock of
 * ours: the minute that a peer named decides nothing, so nobody can prolong its own proof.
 */

/** The dialler renews its proof after this time. */
export const RENEW_MS = 60_000

interface Proof {
  validUntil: number
  /** Only at the side that dialled. */
  renewAt: number
}

/**
 * The proofs of one topic, by endpoint id.
 *
 * @since 0.1.0
 */
export class Proofs {
  readonly #proofs = new Map<string, Proof>()
  readonly #validMs: number

  /** `overlapMinutes` is that of the window of minutes. */
  constructor(overlapMinutes: number) {
    this.#validMs = overlapMinutes * 60_000
  }

  /** The peer's door opened now. A renewal never shortens a proof. */
  prove(id: string, isDialler: boolean, now: number): void {
    this.#proofs.set(id, {
      validUntil: now + this.#validMs,
      renewAt: isDialler ? now + RENEW_MS : Number.POSITIVE_INFINITY,
    })
  }

  isProven(id: string, now: number): boolean {
    const proof = this.#proofs.get(id)
    return proof !== undefined && now < proof.validUntil
  }

  /** Ends the proof: the connection closed, or `allow` was withdrawn. */
  end(id: string): void {
    this.#proofs.delete(id)
  }

  /** Ends all proofs that are older than this: those made before a change of the secret. */
  endOlderThan(at: number): ReadonlyArray<string> {
    const ended = [...this.#proofs].filter(([, { validUntil }]) => validUntil - this.#validMs < at).map(([id]) => id)
    for (const id of ended) this.#proofs.delete(id)
    return ended
  }

  /** All proofs that we made as dialler are renewed at once: the minute that we speak in jumped. */
  renewAll(now: number): void {
    for (const proof of this.#proofs.values()) if (Number.isFinite(proof.renewAt)) proof.renewAt = now
  }

  /** The peers whose proof ended, which are removed, and those whose door is to be opened again now. */
  tick(now: number): { readonly ended: ReadonlyArray<string>; readonly renew: ReadonlyArray<string> } {
    const ended: Array<string> = []
    const renew: Array<string> = []
    for (const [id, proof] of this.#proofs) {
      if (now >= proof.validUntil) {
        this.#proofs.delete(id)
        ended.push(id)
      } else if (now >= proof.renewAt) {
        // Tried again after a third of the time if the door does not open.
        proof.renewAt = now + RENEW_MS / 3
        renew.push(id)
      }
    }
    return { ended, renew }
  }

  /** When `tick` has something to do; undefined without proofs. */
  get deadline(): number | undefined {
    let next = Number.POSITIVE_INFINITY
    for (const { renewAt, validUntil } of this.#proofs.values()) next = Math.min(next, renewAt, validUntil)
    return Number.isFinite(next) ? next : undefined
  }
}
