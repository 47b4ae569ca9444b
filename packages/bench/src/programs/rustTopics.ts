/**
 * Arguments: PEER COUNT SETTLED SECONDS, as for `topics`. Measures the cost of many idle topics in a process of the Rust crate. Packets
 * are those of the node's namespace, less those that the idle testnet of 20 nodes sends. Of a query and its answer, one is the node's.
 */
import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { insideNamespace, peer } from "./namespace.ts"
import { print } from "./print.ts"

insideNamespace()
const [path = "", count = "1", settled = "2", seconds = "30"] = process.argv.slice(2)

/** UDP datagrams sent in this namespace so far. */
const datagrams = (): number => {
  const lines = readFileSync("/proc/net/snmp", "utf8")
    .split("\n")
    .filter((line) => line.startsWith("Udp:"))
  const [names = [], values = []] = lines.map((line) => line.split(" "))
  return Number(values[names.indexOf("OutDatagrams")])
}

const testnet = peer(path, "testnet", "--nodes", "20", "--port", "6881")
await testnet.event("testnet")
await new Promise((resolve) => setTimeout(resolve, 2000))
const idleBefore = datagrams()
await new Promise((resolve) => setTimeout(resolve, 3000))
const idlePerSecond = (datagrams() - idleBefore) / 3
const before = datagrams()
const start = performance.now()
const node = peer(path, "bench-topics", "--count", count)
const proc = `/proc/${node.pid}`
const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }))

/** Processor time of the node so far. */
const cpuSeconds = (): number => {
  const stat = readFileSync(`${proc}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  return (Number(stat[11]) + Number(stat[12])) / ticksPerSecond
}

await new Promise((resolve) => setTimeout(resolve, Number(settled) * 1000))
const started = cpuSeconds()
await new Promise((resolve) => setTimeout(resolve, (Number(seconds) - Number(settled)) * 1000))
const used = cpuSeconds()
const elapsed = (performance.now() - start) / 1000
const packets = datagrams() - before - idlePerSecond * elapsed
const status = readFileSync(`${proc}/status`, "utf8")
const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1])
const sockets = readdirSync(`${proc}/fd`).filter((fd) => {
  try {
    return readlinkSync(`${proc}/fd/${fd}`).startsWith("socket:")
  } catch {
    return false
  }
}).length
print({
  rssMB: (field("VmRSS") * 1024) / 1e6,
  threads: field("Threads"),
  sockets,
  cpuSeconds: used,
  idleCpuSeconds: used - started,
  // Of two datagrams, a query and its answer, the node sent one.
  packetsPerTopicMinute: packets / 2 / Number(count) / (elapsed / 60),
})
await Promise.all([node.end(), testnet.end()])
process.exit(0)
