/** iroh's binding alone, without our code: the upper bound of what gossip can reach. */
import * as Iroh from "@number0/iroh"

const alpn = [...new TextEncoder().encode("/bare/1")]

const endpoint = (): Promise<Iroh.Endpoint> => {
  const builder = Iroh.Endpoint.builder()
  Iroh.presetMinimal(builder)
  builder.alpns([alpn])
  builder.bindAddr("127.0.0.1:0")
  return builder.bind()
}

/**
 * Objects that must not be garbage-collected: the binding closes a connection when its object is collected. Nothing is removed,
 * since the program ends soon.
 */
const held: Array<unknown> = []

/** Binds an endpoint that accepts connections. */
export const listen = async () => {
  const own = await endpoint()
  const accept = async (): Promise<Iroh.Connection> => {
    const incoming = await own.acceptNext()
    if (incoming === null) throw new Error("the endpoint is closed")
    const connection = await (await incoming.accept()).connect()
    held.push(connection)
    return connection
  }
  held.push(own)
  return { id: own.id().toString(), address: own.boundSockets()[0]!, accept, close: () => own.close() }
}

/** Binds an endpoint and connects it. */
export const dial = async (id: string, address: string) => {
  const own = await endpoint()
  const connection = await own.connect(new Iroh.EndpointAddr(Iroh.EndpointId.fromString(id), null, [address]), alpn)
  held.push(own, connection)
  return { connection, close: () => own.close() }
}

/** A connection whose two ends are in this process. */
export const connectHere = async () => {
  const to = await listen()
  const accepted = to.accept()
  const from = await dial(to.id, to.address)
  const far = await accepted
  return { near: from.connection, far, close: () => Promise.all([from.close(), to.close()]) }
}

/** The time to bind two endpoints and connect them, in ms. */
export const bareConnect = async (): Promise<number> => {
  const start = performance.now()
  const { close } = await connectHere()
  const ms = performance.now() - start
  await close()
  return ms
}

export const READ_BYTES = 65_536

/** Reads the stream to its end; `onBytes` receives the number of bytes of each read. */
export const drain = async (stream: Iroh.RecvStream, onBytes: (bytes: number) => void): Promise<void> => {
  for (;;) {
    const { length } = await stream.read(READ_BYTES)
    if (length === 0) return
    onBytes(length)
  }
}

/** Reads frames whose size is in the first two bytes of the stream, and answers each frame with one byte. */
export const answerFrames = async ({ recv, send }: Pick<Iroh.BiStream, "recv" | "send">): Promise<void> => {
  const [high, low] = await recv.readExact(2)
  const size = high! * 256 + low!
  /** Bytes of a frame that has not arrived as a whole. */
  let partial = 0
  for (;;) {
    const { length } = await recv.read(READ_BYTES)
    if (length === 0) return
    const frames = Math.floor((partial + length) / size)
    partial = (partial + length) % size
    if (frames > 0) await send.writeAll(new Array<number>(frames).fill(1))
  }
}

/** As many messages of this size as fit into 64 KB, as one array. */
export const batchOf = (size: number): { readonly bytes: Array<number>; readonly messages: number } => {
  const messages = Math.floor(64_000 / size)
  return { bytes: Array.from({ length: messages * size }, (_, i) => i & 255), messages }
}
