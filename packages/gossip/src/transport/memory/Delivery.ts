/**
 * Deliveries on their way from one end of a connection of the network in memory to the other, and lines of it in the order of sending: packets
 * arrive in any order, but take effect in that one.
 */

/** The end of a connection that sent something. */
export interface DeliverySender {
  /** It has arrived. */
  readonly delivered: (delivery: Delivery) => void
}

/** Something on its way. One object for each, since a simulation of thousands of nodes has most of its garbage here. */
export class Delivery {
  readonly bytes: number
  /** When it was first sent. */
  readonly since: number
  readonly effect: () => void
  /** The deliveries on their way in the same stream; undefined if this belongs to the connection. */
  readonly stream: DeliveryLine | undefined
  isThere = false
  private readonly sender: DeliverySender

  constructor(
    sender: DeliverySender,
    bytes: number,
    since: number,
    effect: () => void,
    stream: DeliveryLine | undefined,
  ) {
    this.sender = sender
    this.bytes = bytes
    this.since = since
    this.effect = effect
    this.stream = stream
  }

  /** Its packet has arrived. */
  arrived(): void {
    this.isThere = true
    this.sender.delivered(this)
  }
}

/** Deliveries in the order of sending. Mostly it is one or none, so there is an array only for the others. */
export class DeliveryLine {
  private first: Delivery | undefined
  private others: Array<Delivery> | undefined

  add(delivery: Delivery): void {
    if (this.first === undefined) this.first = delivery
    else if (this.others === undefined) this.others = [delivery]
    else this.others.push(delivery)
  }

  /** Removes and returns the first one if it has arrived. */
  takeArrived(): Delivery | undefined {
    const first = this.first
    if (first?.isThere !== true) return undefined
    this.first = this.others?.shift()
    return first
  }
}
