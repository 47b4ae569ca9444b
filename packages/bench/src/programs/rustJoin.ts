/**
 * Arguments: PEER KIND ROUNDS. Measures the time until a node of the Rust crate has its first neighbour, as join.ts does for ours. In
 * ms from the start of its process, which takes a few ms. A node without a neighbour after 60 s gives no sample.
 */
import { insideNamespace, peer } from "./namespace.ts"
import { print } from "./print.ts"

insideNamespace()
const [path = "", kind, rounds] = process.argv.slice(2)
const cold: Array<number> = []
const warm: Array<number> = []
for (let round = 0; round < Number(rounds); round++) {
  const testnet = peer(path, "testnet", "--nodes", "20", "--port", "6881")
  await testnet.event("testnet")
  const node = () =>
    peer(path, "tracker", "--topic", `round ${round}`, "--secret", "s", "--bootstrap", "127.0.0.1:6881")
  const first = [node(), node()]
  const times = await Promise.all(first.map((one) => one.event("joined")))
  const slower = Math.max(...times.map((time) => time ?? Number.NaN))
  if (!Number.isNaN(slower)) {
    cold.push(slower)
    if (kind === "warm") {
      const third = node()
      first.push(third)
      const time = await third.event("joined")
      if (time !== undefined) warm.push(time)
    }
  }
  await Promise.all([...first, testnet].map((one) => one.end()))
}
print({ cold, warm })
process.exit(0)
