/**
 * Mutable items of the mainline DHT (BEP 5, BEP 44) as a service: one client, one UDP socket and one routing table for all
 * topics of a process. It does not know topics or records.
 */
import type { Crypto } from "@topic-tracker/crypto"
import { Context, Effect, Layer } from "effect"
import type { DhtOptionsInput } from "./DhtConfig.ts"
import type { DhtError } from "./DhtError.ts"
import { makeUdpNode } from "./makeUdpNode.ts"
import type { DhtService } from "./model.ts"

/**
 * The DHT client of this process: it reads and stores mutable items (BEP 44).
 * @since 0.1.0
 * @category services
 */
export class Dht extends Context.Service<Dht, DhtService>()("@topic-tracker/dht/Dht") {
  /**
   * A client on one UDP socket (Node.js), which also serves other nodes. The layer is ready when the socket is bound, before any
   * node has answered. Fails with `Bind` or `InvalidArgument`. With Effect's `KeyValueStore` in its context it keeps known nodes there,
   * for a faster start the next time.
   */
  static readonly layer = (options: DhtOptionsInput = {}): Layer.Layer<Dht, DhtError, Crypto> =>
    Layer.effect(
      Dht,
      Effect.map(makeUdpNode(options), ({ service }) => service),
    )
}
