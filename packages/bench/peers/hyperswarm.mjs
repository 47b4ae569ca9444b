/**
 * Arguments: KIND ROUNDS. Measures hyperswarm on its own DHT testnet of 20 nodes, which is another process, as for ours. cold: two swarms
 * start together, until both have a connection. warm: two are connected, the time of a third one. Both in ms from the creation of the
 * swarm. start: a process finds a running one, in ms from the start of the process. Without a connection after 15 s it counts as missed.
 */
import { fork } from "node:child_process"
import crypto from "node:crypto"
import createTestnet from "hyperdht/testnet.js"
import Hyperswarm from "hyperswarm"

if (process.argv[2] === "testnet") {
  const { bootstrap } = await createTestnet(20)
  process.send(bootstrap)
  process.on("disconnect", () => process.exit(0))
} else {
  const kind = process.argv[2] === "warm" ? "warm" : process.argv[2] === "start" ? "start" : "cold"
  const rounds = Number(process.argv[3] ?? 3)
  const testnet = () =>
    new Promise((resolve) => {
      const child = fork(import.meta.filename, ["testnet"])
      child.once("message", (bootstrap) => resolve({ bootstrap, end: () => child.kill() }))
    })

  /** Joins; resolves with the time, or undefined after 15 s. */
  const enter = (swarms, bootstrap, topic) => {
    const start = performance.now()
    const swarm = new Hyperswarm({ bootstrap })
    swarms.push(swarm)
    swarm.on("error", () => {})
    return new Promise((resolve) => {
      const timeout = setTimeout(resolve, 15_000, undefined)
      swarm.on("connection", (connection) => {
        connection.on("error", () => {})
        clearTimeout(timeout)
        resolve(performance.now() - start)
      })
      swarm.join(topic)
    })
  }

  const samples = { cold: [], warm: [], start: [], missed: 0 }
  for (let round = 0; round <= rounds; round++) {
    const { bootstrap, end } = await testnet()
    const swarms = []
    const topic = crypto.randomBytes(32)
    let times
    if (kind === "start") {
      const start = (...args) =>
        new Promise((resolve) => {
          const program = new URL("hyperswarmStart.mjs", import.meta.url)
          const child = fork(program, [JSON.stringify(bootstrap), topic.toString("hex"), ...args])
          child.once("message", (time) => resolve({ child, time }))
          child.once("exit", () => resolve({ child, time: undefined }))
        })
      const { child } = await start("stay")
      await new Promise((resolve) => setTimeout(resolve, 1500))
      times = [(await start()).time]
      child.kill()
    } else if (kind === "cold") {
      times = await Promise.all([enter(swarms, bootstrap, topic), enter(swarms, bootstrap, topic)])
    } else {
      // One after the other, because two that start together may not meet.
      const first = new Hyperswarm({ bootstrap })
      swarms.push(first)
      first.on("connection", (connection) => connection.on("error", () => {}))
      await first.join(topic).flushed()
      await enter(swarms, bootstrap, topic)
      await new Promise((resolve) => setTimeout(resolve, 1500))
      times = [await enter(swarms, bootstrap, topic)]
    }
    if (round > 0) {
      if (times.includes(undefined)) samples.missed++
      else samples[kind].push(Math.max(...times))
    }
    await Promise.all(swarms.map((swarm) => swarm.destroy({ force: true })))
    end()
  }
  console.log(JSON.stringify(samples))
  process.exit(0)
}
