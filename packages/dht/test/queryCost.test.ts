/** The time that the answer to each kind of query takes, from the datagram to the datagram, with full stores. */
import { assert, layer } from "@effect/vitest"
import { SocketAddress, Timers } from "@topic-tracker/common"
import { Crypto } from "@topic-tracker/crypto"
import { Effect, Redacted } from "effect"
import { signable, targetOf } from "../src/bep44/item.ts"
import { decode, type EncodableDictionary, encode } from "../src/krpc/bencode.ts"
import { KrpcSocket } from "../src/krpc/KrpcSocket.ts"
import type { DhtAddress } from "../src/model.ts"
import { ItemServer } from "../src/serve/ItemServer.ts"
import { PeerServer } from "../src/serve/PeerServer.ts"
import { QueryServer } from "../src/serve/QueryServer.ts"
import { Tokens } from "../src/serve/Tokens.ts"
import { makeGenerator } from "../src/testing/memory/generator.ts"
import { openTable, peerStore } from "./sockets.ts"

const generator = makeGenerator(5)
const id = generator.bytes(20)
const from = (n: number): DhtAddress => ({ host: `80.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`, port: 6881 })

interface Answer {
  readonly r?: { readonly token?: Uint8Array; readonly values?: ReadonlyArray<Uint8Array> }
  readonly e?: ReadonlyArray<unknown>
}

/** A node that serves over a socket of data. */
const served = Effect.gen(function* () {
  const crypto = yield* Crypto
  const timers = yield* Timers.make
  let receiver: (datagram: Uint8Array, from: DhtAddress) => void = () => {}
  let sent: Uint8Array | undefined
  const udp = {
    address: { host: "0.0.0.0", port: 1 },
    send: (datagram: Uint8Array) => {
      sent = datagram
    },
    receive: (run: typeof receiver) => {
      receiver = run
    },
    afterArrived: (run: () => void) => run(),
    close: Effect.void,
  }
  const times = { roundTripFloor: 25, roundTripInitial: 500, roundTripCeiling: 2000 }
  const socket = new KrpcSocket(udp, {
    ...times,
    timers,
    isReadOnly: () => false,
    onQuery: (query, from) => server.handle(query, from),
  })
  const table = yield* openTable({ socket, id })
  const now = () => timers.now()
  const closest = (target: Uint8Array, count: number) => table.closest(target, count)
  const tokens = new Tokens(generator.bytes(32))
  const items = new ItemServer({
    id: () => id,
    crypto,
    equalSeq: "overwrite",
    tokens,
    maxItems: 1_000,
    ttl: 7_200_000,
    closest,
  })
  const peers = new PeerServer({ id: () => id, peers: peerStore(), tokens, closest })
  const limits = { queriesPerHost: 1e6, queriesTotal: 1e6, replyBytesPerHost: 1e9, replyBytesTotal: 1e9 }
  const server = new QueryServer({
    socket,
    table,
    items,
    peers,
    readOnly: false,
    now,
    reachOf: SocketAddress.reachOf4,
    ...limits,
  })
  for (let n = 0; n < 2_000; n++) table.add({ id: generator.bytes(20), ...from(n) })
  const datagramOf = (q: string, a: EncodableDictionary) => encode({ a: { id, ...a }, q, ro: 1, t: "aa", y: "q" })
  /** Answers the datagram; returns the time in ms. */
  const time = (datagram: Uint8Array, sender = from(1)) => {
    const began = performance.now()
    receiver(datagram, sender)
    return performance.now() - began
  }
  const ask = (q: string, a: EncodableDictionary, sender = from(1)): Answer => {
    sent = undefined
    time(datagramOf(q, a), sender)
    return sent === undefined ? {} : (decode(sent) as Answer)
  }
  return { ask, datagramOf, time, crypto }
})

/** The median time of 200 answers, in ms. Some answers before warm the code up. */
const median = (run: (i: number) => number): number => {
  for (let i = 0; i < 500; i++) run(i)
  return Array.from({ length: 200 }, (_, i) => run(500 + i)).sort((a, b) => a - b)[100]!
}

layer(Crypto.layer())("the answer to a query takes at most 0.1 ms", (it) => {
  it.effect("for ping, find_node and get of a stored item", () =>
    Effect.gen(function* () {
      const { ask, crypto, datagramOf, time } = yield* served
      const key = crypto.signingKey(Redacted.make(generator.bytes(32)))
      const target = targetOf(key.publicKey)
      const v = new Uint8Array(900)
      const { token } = ask("get", { target }).r!
      const put = { token, v, k: key.publicKey, seq: 1n, sig: crypto.sign(key, signable(undefined, 1n, encode(v))) }
      assert.isUndefined(ask("put", put).e)
      for (const datagram of [
        datagramOf("ping", {}),
        datagramOf("find_node", { target }),
        datagramOf("get", { target }),
      ])
        assert.isAtMost(
          median(() => time(datagram)),
          0.1,
        )
    }),
  )

  it.effect("for get_peers, also after 20,000 announcements under one hash", () =>
    Effect.gen(function* () {
      const { ask, datagramOf, time } = yield* served
      const info_hash = generator.bytes(20)
      for (let n = 0; n < 1_000; n++) {
        const { token } = ask("get_peers", { info_hash }, from(n)).r!
        for (let port = 1; port <= 20; port++) ask("announce_peer", { info_hash, port, token }, from(n))
      }
      assert.strictEqual(ask("get_peers", { info_hash }).r!.values?.length, 100)
      const datagram = datagramOf("get_peers", { info_hash })
      assert.isAtMost(
        median(() => time(datagram)),
        0.1,
      )
    }),
  )

  it.effect("for a put whose key or R is of small order", () =>
    Effect.gen(function* () {
      const { ask, crypto, datagramOf, time } = yield* served
      const target = generator.bytes(20)
      const { token } = ask("get", { target }).r!
      const { publicKey } = crypto.signingKey(Redacted.make(generator.bytes(32)))
      const identity = new Uint8Array(32)
      identity[0] = 1
      const sig = generator.bytes(64)
      sig[63] = 0
      const smallR = sig.slice()
      smallR.set(identity)
      for (const [k, signature] of [
        [identity, sig],
        [publicKey, smallR],
      ] as const) {
        const put = (seq: number) => ({ token, v: new Uint8Array(900), k, seq, sig: signature })
        assert.strictEqual(ask("put", put(1)).e?.[0], 206n)
        assert.isAtMost(
          median((i) => time(datagramOf("put", put(i)))),
          0.1,
        )
      }
    }),
  )
})
