/** `record-put` and `record-get`: a topic's records without gossip. */

import { Bytes } from "@topic-tracker/common"
import { RecordPublisher, TopicRecordContent } from "@topic-tracker/core"
import { EndpointId, SecretRotation } from "@topic-tracker/crypto"
import { Effect, Layer, Redacted } from "effect"
import { type Args, topicOf } from "./args.ts"
import { dhtClientLayer, identityLayer } from "./layers.ts"
import { emit } from "./stdio.ts"

const publisher = (args: Args) =>
  RecordPublisher.make({
    topic: topicOf(args),
    secret: Redacted.make(args.required("secret")),
    content: TopicRecordContent,
  })

const layer = (args: Args) =>
  Layer.mergeAll(identityLayer(args), SecretRotation.layer()).pipe(Layer.provideMerge(dhtClientLayer(args)))

const minuteOf = (args: Args, now: bigint): bigint => {
  const minute = args.optional("minute")
  return minute === undefined ? now : BigInt(minute)
}

/**
 * `--topic --secret --seed HEX [--minute N] [--peer HEX] [--address IP:port] [--access members]`: publishes a gossip record
 * with at most one active peer, and with the address of its node and the mark of a members-only topic if they are given.
 */
export const recordPut = (args: Args) =>
  Effect.gen(function* () {
    const records = yield* publisher(args)
    const peer = args.bytes("peer")
    const address = args.optional("address")
    const record = yield* records.newRecord(minuteOf(args, yield* records.unixMinute), {
      activePeers: peer === undefined ? [] : [EndpointId.fromBytes(peer)],
      lastMessageHashes: [],
      ...(address === undefined ? {} : { address: { relayUrl: undefined, direct: [address] } }),
      ...(args.optional("access") === "members" ? { access: "members" } : {}),
    })
    yield* records.publish(record)
    yield* emit({ event: "stored", record: Bytes.toHex(record.bytes) })
  }).pipe(Effect.provide(layer(args)))

/** `--topic --secret [--seed HEX] [--minute N]`: prints `record` for each record that opens and verifies, then `done`. */
export const recordGet = (args: Args) =>
  Effect.gen(function* () {
    const records = yield* publisher(args)
    const found = yield* records.recordsArray(minuteOf(args, yield* records.unixMinute))
    for (const { bytes, content, endpointId } of found) {
      const { activePeers } = content
      yield* emit({ event: "record", publicKey: endpointId, activePeers, record: Bytes.toHex(bytes) })
    }
    yield* emit({ event: "done", count: found.length })
  }).pipe(Effect.provide(layer(args)))
