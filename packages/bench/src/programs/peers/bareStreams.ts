/** The same as peer streams do, with iroh's binding alone. */
import type * as Iroh from "@number0/iroh"
import { connectHere, READ_BYTES } from "../gossip/bareIroh.ts"

/** Streams that may be open at a time. */
const MAX_STREAMS = 2_000n

const echo = async ({ recv, send }: Pick<Iroh.BiStream, "recv" | "send">): Promise<void> => {
  for (;;) {
    const bytes = await recv.read(READ_BYTES)
    if (bytes.length === 0) return send.finish()
    await send.writeAll(bytes)
  }
}

/** A connection whose far end echoes each two-way stream. */
export const makeBareStreams = async () => {
  const { close, far, near } = await connectHere()
  far.setMaxConcurrentBiStreams(MAX_STREAMS)
  const ignore = (): void => {}
  const acceptBi = (): void => {
    far.acceptBi().then((stream) => {
      echo(stream).catch(ignore)
      acceptBi()
    }, ignore)
  }
  acceptBi()
  return { openBi: () => near.openBi(), close }
}
