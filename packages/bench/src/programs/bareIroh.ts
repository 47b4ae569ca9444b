/** iroh's binding without anything of ours: what there is to be had. */
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
 * Objects that must not be garbage-collected: the binding closes a connection whose object is. In a program that ends soon,
 * nothing is ever taken out.
 */
const held: Array<unknown> = []

/** Binds an endpoint and tells where it is. */
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

/** How long it takes to bind two endpoints and connect them, in ms. */
export const bareConnect = async (): Promise<number> => {
  const start = performance.now()
  const to = await listen()
  const accepted = to.accept()
  const from = await dial(to.id, to.address)
  await accepted
  const ms = performance.now() - start
  await Promise.all([from.close(), to.close()])
  return ms
}

const readBytes = 65_536

/** Takes all the stream brings; `got` is told how many bytes came. */
export const drain = async (stream: Iroh.RecvStream, got: (bytes: number) => void): Promise<void> => {
  for (;;) {
    const { length } = await stream.read(readBytes)
    if (length === 0) return
    got(length)
  }
}

/** Takes frames of the size that the first two bytes tell, and answers each with a byte. */
export const answerFrames = async ({ recv, send }: Pick<Iroh.BiStream, "recv" | "send">): Promise<void> => {
  const [high, low] = await recv.readExact(2)
  const size = high! * 256 + low!
  let cut = 0
  for (;;) {
    const { length } = await recv.read(readBytes)
    if (length === 0) return
    const frames = Math.floor((cut + length) / size)
    cut = (cut + length) % size
    if (frames > 0) await send.writeAll(new Array<number>(frames).fill(1))
  }
}

/** As many messages of the size as fit into 64 KB, as one array. */
export const batchOf = (size: number): { readonly bytes: Array<number>; readonly messages: number } => {
  const messages = Math.floor(64_000 / size)
  return { bytes: Array.from({ length: messages * size }, (_, i) => i & 255), messages }
}
