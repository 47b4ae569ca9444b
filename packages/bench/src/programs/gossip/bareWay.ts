/**
 * Messages over iroh's binding alone, without gossip: pings on one stream, batches in writes of 64 KB on a second one, and frames as
 * long as gossip's, with a window, on a third one.
 */
import type * as Iroh from "@number0/iroh"
import { batchOf, dial, drain, listen } from "./bareIroh.ts"
import type { FarEnd } from "./farEnd.ts"
import { FRAME_OVERHEAD_BYTES, IN_FLIGHT } from "./gossipWay.ts"
import type { Rate, Way } from "./sampling.ts"

/** `far`: the far end in another process; undefined: both ends are in this process. */
export const makeBareWay = async (
  size: number,
  far: FarEnd | undefined,
): Promise<Way & { readonly close: () => Promise<unknown> }> => {
  const here = far === undefined ? await listen() : undefined
  const accepting = here?.accept()
  const near = await dial(here?.id ?? far!.bareId, here?.address ?? far!.bareAddress)
  const both = await near.connection.openBi()
  await both.send.writeAll([0])
  const one = await near.connection.openUni()
  await one.writeAll([0])
  const counter = makeCounter()
  const accepted = await accepting
  const ping =
    accepted === undefined
      ? await pingThereAndBack(both, size)
      : await pingOneWay(both.send, accepted, size, counter.addArrived)
  let framed: Iroh.SendStream = one
  if (far !== undefined) {
    const frame = size + FRAME_OVERHEAD_BYTES
    const answered = await near.connection.openBi()
    await answered.send.writeAll([frame >> 8, frame & 255])
    void drain(answered.recv, (answers) => counter.addArrived(answers * frame)).catch(() => {})
    framed = answered.send
  }
  return {
    ping,
    rates: [batchRate(size, one, counter, far !== undefined), windowRate(size, framed, counter)],
    close: () => Promise.all([near.close(), here?.close()]),
  }
}

/** Bytes sent and arrived, and a wait for the next arrival. */
const makeCounter = () => {
  let onArrival = () => {}
  const counter = {
    sent: 0,
    arrived: 0,
    addArrived: (bytes: number) => {
      counter.arrived += bytes
      onArrival()
    },
    nextArrival: () =>
      new Promise<void>((resolve) => {
        onArrival = resolve
      }),
  }
  return counter
}
type Counter = ReturnType<typeof makeCounter>

/** The far end echoes the message. */
const pingThereAndBack = async (stream: Iroh.BiStream, size: number): Promise<Way["ping"]> => {
  const message = batchOf(size).bytes.slice(0, size)
  await stream.recv.readExact(1)
  return async () => {
    await stream.send.writeAll(message)
    await stream.recv.readExact(size)
  }
}

/** The other end in this process reads the message. Its uni stream feeds the counter. */
const pingOneWay = async (
  send: Iroh.SendStream,
  accepted: Iroh.Connection,
  size: number,
  addArrived: (bytes: number) => void,
): Promise<Way["ping"]> => {
  const message = batchOf(size).bytes.slice(0, size)
  const { recv } = await accepted.acceptBi()
  await recv.readExact(1)
  const uni = await accepted.acceptUni()
  await uni.readExact(1)
  void drain(uni, addArrived).catch(() => {})
  return async () => {
    const arrival = recv.readExact(size)
    await send.writeAll(message)
    await arrival
  }
}

/** Writes of 64 KB, as fast as the binding accepts them. */
const batchRate = (size: number, stream: Iroh.SendStream, counter: Counter, isFar: boolean): Rate => {
  const batch = batchOf(size)
  return {
    count: () => counter.arrived / size,
    send: async () => {
      counter.sent += batch.bytes.length
      await stream.writeAll(batch.bytes)
      // A far end does not report arrivals of batches. Unread bytes delay the next write, so writes are counted.
      if (isFar) counter.arrived += batch.bytes.length
    },
  }
}

/** Frames as long as gossip's, {@link IN_FLIGHT} at a time; all frames that the window allows are one write. */
const windowRate = (size: number, stream: Iroh.SendStream, counter: Counter): Rate => {
  const frame = size + FRAME_OVERHEAD_BYTES
  const frames = Array.from({ length: IN_FLIGHT * frame }, (_, i) => i & 255)
  const free = () => Math.floor((IN_FLIGHT * frame - (counter.sent - counter.arrived)) / frame)
  return {
    count: () => counter.arrived / frame,
    send: async () => {
      while (free() <= 0) await counter.nextArrival()
      const bytes = free() * frame
      counter.sent += bytes
      await stream.writeAll(frames.slice(0, bytes))
    },
  }
}
