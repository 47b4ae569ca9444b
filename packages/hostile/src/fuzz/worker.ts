/** Fuzzes one decoder in a thread of its own. */
import { parentPort, workerData } from "node:worker_threads"
import { readCorpus } from "./corpus.ts"
import { decoders } from "./decoders.ts"
import { fuzzDecoder } from "./fuzzDecoder.ts"

/** What a thread is given. */
export interface FuzzWork {
  readonly decoder: string
  readonly cases: number
  readonly seed: number
}

const { cases, decoder: name, seed }: FuzzWork = workerData
const decoder = decoders.find((each) => each.name === name)
if (decoder !== undefined) parentPort?.postMessage(fuzzDecoder(decoder, { cases, seed, corpus: readCorpus(name) }))
