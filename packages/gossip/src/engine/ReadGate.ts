/**
 * Holds a topic back from outside of the engine: while it is held, nothing of the topic is read from peers. For topics whose contents go to
 * readers that the engine does not know.
 */

/**
 * The gate of one topic. Give it to `open`, then hold and release it.
 *
 * @since 0.1.0
 * @category models
 */
export class ReadGate {
  #isHeld = false
  #onReleased: () => void = () => {}

  get isHeld(): boolean {
    return this.#isHeld
  }

  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#onReleased()
  }

  /** For the engine: runs when the topic may be read again. */
  whenReleased(run: () => void): void {
    this.#onReleased = run
  }
}
