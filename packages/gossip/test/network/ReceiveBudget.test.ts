/** The memory of connections, with numbers of packets that a test decides. */
import { assert, describe, it } from "@effect/vitest"
import { type MeasuredConnection, ReceiveBudget } from "../../src/transport/iroh/ReceiveBudget.ts"

const MB = 1_000_000

class Peer implements MeasuredConnection {
  bytesRead = 0
  openStreams = 0
  unreadLimit = 1.5 * MB
  closed = 0
  arrived = 0
  sent = 0
  giveUp(): void {
    this.closed++
  }
  counts() {
    return { udpRxDatagrams: 0, udpRxBytes: this.arrived, udpTxBytes: this.sent }
  }
}

const watch = (...peers: ReadonlyArray<Peer>) => {
  const budget = new ReceiveBudget<Peer>()
  let now = 0
  const pass = (ms: number) => {
    now += ms
    return peers.map((peer) => budget.measure(peer, peer.counts(), now))
  }
  pass(0)
  return { budget, pass }
}

describe("ReceiveBudget", () => {
  it("closes a connection when more waits than its limit", () => {
    const peer = new Peer()
    const { budget, pass } = watch(peer)
    peer.arrived += 1.5 * MB
    pass(10)
    assert.strictEqual(peer.closed, 0)
    peer.arrived += 0.1 * MB
    pass(10)
    assert.strictEqual(peer.closed, 1)
    assert.strictEqual(budget.exceeded, 1)
  })

  it("never closes a connection whose bytes are read, whatever their number and the losses", () => {
    const peer = new Peer()
    const { pass } = watch(peer)
    for (let second = 0; second < 3_600; second++) {
      peer.bytesRead += 10 * MB
      // A third more for headers and for packets that came twice.
      peer.arrived += 13.3 * MB
      pass(1_000)
    }
    assert.strictEqual(peer.closed, 0)
  })

  it("never closes a connection over which mostly we send, or nobody does", () => {
    const [sending, idle] = [new Peer(), new Peer()]
    const { pass } = watch(sending, idle)
    for (let second = 0; second < 3_600; second++) {
      sending.sent += 10 * MB
      sending.arrived += 1 * MB
      idle.arrived += 2_000
      pass(1_000)
    }
    assert.deepStrictEqual([sending.closed, idle.closed], [0, 0])
  })

  it("closes the connection that takes most for its limit when all together take more than 64 MB", () => {
    const neighbor = new Peer()
    neighbor.unreadLimit = 30 * MB
    const strangers = Array.from({ length: 48 }, () => new Peer())
    const { budget, pass } = watch(neighbor, ...strangers)
    neighbor.arrived += 5 * MB
    for (const stranger of strangers) stranger.arrived += 1 * MB
    pass(1)
    assert.strictEqual(budget.exceeded, 0)
    // 64 MiB are 67.1 MB; the others take 53 MB.
    for (const stranger of strangers.slice(0, 30)) stranger.arrived += 0.49 * MB
    pass(1)
    assert.isAtLeast(budget.exceeded, 1)
    assert.strictEqual(neighbor.closed, 0)
    const { exceeded } = budget
    pass(1)
    assert.strictEqual(budget.exceeded, exceeded, "no more than needed")
  })

  it("counts open streams", () => {
    const peers = Array.from({ length: 140 }, () => new Peer())
    const { budget, pass } = watch(...peers)
    for (const peer of peers) peer.openStreams = 58
    pass(1)
    assert.strictEqual(budget.exceeded, 0)
    for (const peer of peers) peer.openStreams = 60
    pass(1)
    assert.isAtLeast(budget.exceeded, 1)
  })

  it("wants to see a connection again soon while it is new or much waits", () => {
    const peer = new Peer()
    const { budget, pass } = watch(peer)
    assert.deepStrictEqual(pass(1_999), [true])
    assert.deepStrictEqual(pass(1), [false])
    peer.arrived += 0.4 * MB
    assert.deepStrictEqual(pass(1_000), [true])
    peer.bytesRead += 0.3 * MB
    assert.deepStrictEqual(pass(100), [false])
    budget.remove(peer)
  })
})
