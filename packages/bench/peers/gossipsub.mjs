/** Arguments: SECONDS. Measures js-libp2p's gossipsub: two nodes in one process over TCP on loopback. Prints rates and latencies by size. */
import { noise } from "@chainsafe/libp2p-noise"
import { yamux } from "@chainsafe/libp2p-yamux"
import { gossipsub } from "@libp2p/gossipsub"
import { identify } from "@libp2p/identify"
import { tcp } from "@libp2p/tcp"
import { createLibp2p } from "libp2p"

const seconds = Number(process.argv[2] ?? 1)
const inFlight = 32
const topic = "bench"

const make = () =>
  createLibp2p({
    addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { pubsub: gossipsub({ allowPublishToZeroTopicPeers: false }), identify: identify() },
  })

const [sender, receiver] = [await make(), await make()]
sender.services.pubsub.subscribe(topic)
receiver.services.pubsub.subscribe(topic)
await sender.dial(receiver.getMultiaddrs())
while (sender.services.pubsub.getMeshPeers(topic).length === 0) await new Promise((resolve) => setTimeout(resolve, 50))

let arrived = 0
let underWay = 0
let onArrival = () => {}
receiver.services.pubsub.addEventListener("message", ({ detail }) => {
  if (detail.topic !== topic) return
  arrived++
  underWay--
  onArrival()
})

const until = (most) =>
  new Promise((resolve) => {
    const check = () => {
      if (underWay >= most) return
      onArrival = () => {}
      resolve()
    }
    onArrival = check
    check()
  })

const figures = []
for (const size of [100, 1024, 4000]) {
  let serial = 0
  const publish = () => {
    const content = new Uint8Array(size)
    new DataView(content.buffer).setUint32(0, serial++)
    underWay++
    return sender.services.pubsub.publish(topic, content)
  }
  const latencies = []
  for (let i = 0; i < 3000; i++) {
    const start = performance.now()
    await publish()
    await until(1)
    if (i >= 2000) latencies.push(performance.now() - start)
  }
  const rates = []
  for (let sample = 0; sample < 4; sample++) {
    const [before, start] = [arrived, performance.now()]
    while (performance.now() - start < seconds * 1000) {
      while (underWay < inFlight) await publish()
      await until(inFlight)
    }
    if (sample > 0) rates.push((arrived - before) / ((performance.now() - start) / 1000))
  }
  await until(1)
  figures.push({ size, rates, latencies })
}
console.log(JSON.stringify(figures))
process.exit(0)
