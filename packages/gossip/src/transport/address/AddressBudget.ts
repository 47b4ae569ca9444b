/**
 * Limits how many different addresses this node dials in a second. QUIC sends some 1,200 bytes to each address of a dial, several times,
 * so that a node that names many addresses would otherwise make this node flood others. It knows no dials.
 */

/** Different addresses that are dialled within one second. */
const MAX_ADDRESSES = 256

/** The part of them that dials may use whose peer only a message of gossip has named. The rest is for records and users. */
const MAX_RUMOURED = 128

const WINDOW_MS = 1_000

export class AddressBudget {
  /** Addresses by the time when they were last dialled, the oldest first. */
  readonly #dialled = new Map<string, { readonly at: number; readonly isRumoured: boolean }>()
  #rumoured = 0

  /** The addresses of the list that may be dialled at time `now` (ms). One that was dialled within the last second always may. */
  admit(addresses: ReadonlyArray<string>, isRumoured: boolean, now: number): ReadonlyArray<string> {
    this.#forgetBefore(now - WINDOW_MS)
    return addresses.filter((address) => {
      const known = this.#dialled.get(address)
      if (known === undefined) {
        if (this.#dialled.size >= MAX_ADDRESSES || (isRumoured && this.#rumoured >= MAX_RUMOURED)) return false
      } else {
        this.#forget(address, known.isRumoured)
      }
      this.#dialled.set(address, { at: now, isRumoured })
      if (isRumoured) this.#rumoured++
      return true
    })
  }

  #forgetBefore(time: number): void {
    for (const [address, { at, isRumoured }] of this.#dialled) {
      if (at > time) return
      this.#forget(address, isRumoured)
    }
  }

  #forget(address: string, isRumoured: boolean): void {
    this.#dialled.delete(address)
    if (isRumoured) this.#rumoured--
  }
}
