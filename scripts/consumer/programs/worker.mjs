// The program of meet.mjs in a worker thread that ends. The process must live on and exit with 0.
import { once } from "node:events"
import { Worker } from "node:worker_threads"

for (let i = 0; i < 3; i++) {
  const worker = new Worker(new URL("./meet.mjs", import.meta.url))
  const [code] = await once(worker, "exit")
  if (code !== 0) throw new Error(`the worker exited with ${code}`)
}
console.log("met")
