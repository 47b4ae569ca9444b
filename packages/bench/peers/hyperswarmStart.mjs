/**
 * A process with one swarm: BOOTSTRAP TOPIC. Sends its parent the time of the first connection, in ms since the start of the process, and ends; after
 * 15 s without one it ends without a message. With `stay` it sends a message when it is in the topic, and runs until it is killed.
 */
import Hyperswarm from "hyperswarm"

const [bootstrap, topic, stays] = process.argv.slice(2)
const swarm = new Hyperswarm({ bootstrap: JSON.parse(bootstrap) })
swarm.on("error", () => {})
swarm.on("connection", (connection) => {
  connection.on("error", () => {})
  if (stays !== undefined) return
  process.send(performance.now(), () => process.exit(0))
})
const joining = swarm.join(Buffer.from(topic, "hex"))
if (stays === undefined) setTimeout(() => process.exit(1), 15_000)
else {
  await joining.flushed()
  process.send("in the topic")
}
