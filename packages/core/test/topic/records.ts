/** Endpoint ids and records by number. */
import { EndpointId } from "@topic-tracker/crypto"
import type { GossipRecord } from "../../src/records/TopicRecordContent.ts"

export const id = (n: number) => {
  const bytes = new Uint8Array(32).fill(n)
  new DataView(bytes.buffer).setUint32(0, n)
  return EndpointId.fromBytes(bytes)
}

export const hash = (n: number) => new Uint8Array(32).fill(n)

export const record = (
  from: number,
  activePeers: ReadonlyArray<number>,
  hashes: ReadonlyArray<number> = [],
): GossipRecord => ({
  unixMinute: 1n,
  endpointId: id(from),
  content: { activePeers: activePeers.map(id), lastMessageHashes: hashes.map(hash) },
  bytes: new Uint8Array(),
})
