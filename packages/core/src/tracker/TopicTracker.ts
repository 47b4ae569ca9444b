/**
 * The service tag of the tracker and its layers: on real sockets, in memory, or over services from elsewhere. The contract is in
 * `TrackerService.ts`, the implementation in `makeTracker.ts`.
 */
import type { Crypto, Identity, SecretRotation } from "@topic-tracker/crypto"
import type { Dht, DhtError } from "@topic-tracker/dht"
import type { AddressLookup, Gossip, GossipError } from "@topic-tracker/gossip"
import { type Config, Context, Effect, Layer } from "effect"
import { checkNames } from "../config/checkNames.ts"
import * as TopicConfig from "../config/TopicConfig.ts"
import { withOwnSeed } from "../stack/identity.ts"
import * as NodeStack from "../stack/node.ts"
import { makeTracker } from "./makeTracker.ts"
import type { TrackerService } from "./TrackerService.ts"

/**
 * Options of a tracker over any services.
 *
 * @since 0.1.0
 * @category options
 */
export interface TopicTrackerOptions {
  /** The options that differ from the defaults, for the node and all its topics. Each join may give options of a topic again. */
  readonly config?: TopicConfig.TopicConfigInput
}

/**
 * Options of a tracker on real sockets; none is required.
 *
 * @since 0.1.0
 * @category options
 */
export interface NodeOptions extends TopicTrackerOptions, NodeStack.NodeStackOptions {}

/**
 * The service that holds all topics of this process. They share one DHT client, one endpoint and one gossip service. Programs join
 * topics with `Topic.join`.
 *
 * @since 0.1.0
 * @category services
 */
export class TopicTracker extends Context.Service<TopicTracker, TrackerService>()("@topic-tracker/core/TopicTracker") {
  /**
   * The tracker over services that are provided from elsewhere: for tests, and for programs with a part of their own.
   *
   * @since 0.1.0
   */
  static readonly layerNoDeps = (
    options: TopicTrackerOptions = {},
  ): Layer.Layer<
    TopicTracker,
    TopicConfig.TopicConfigError,
    Dht | Gossip | Crypto | SecretRotation | Identity | AddressLookup
  > => Layer.effect(TopicTracker, Effect.flatMap(TopicConfig.make(options.config), makeTracker))

  /**
   * A node on Node.js: one UDP socket for the DHT, one iroh endpoint. It is on the public internet, unless all bootstrap nodes
   * are loopback addresses: then every socket is bound to loopback. The layer provides the services below the tracker too, for
   * example for a RecordPublisher. Fails when an option is invalid or the DHT's socket cannot be bound. The layer does not wait
   * until the endpoint is bound: topics search for records meanwhile. If it cannot be bound, topics end and joins fail with the
   * reason.
   *
   * @since 0.1.0
   * @example
   * ```ts
   * TopicTracker.layer({ config: { dht: { bootstrap: ["127.0.0.1:6881"] } } })
   * ```
   */
  static readonly layer = (
    options: NodeOptions = {},
  ): Layer.Layer<TopicTracker | NodeStack.Services, TopicConfig.TopicConfigError | DhtError | GossipError> =>
    nodeLayer(options, ({ config }) => TopicConfig.make(config))

  /**
   * {@link layer} with options from the current ConfigProvider (variables TOPIC_TRACKER_…, or a file) over those given here.
   *
   * @since 0.1.0
   */
  static readonly layerConfig = (
    options: NodeOptions = {},
  ): Layer.Layer<
    TopicTracker | NodeStack.Services,
    TopicConfig.TopicConfigError | Config.ConfigError | DhtError | GossipError
  > =>
    nodeLayer(
      options,
      Effect.fnUntraced(function* ({ config = {} }) {
        // Checked alone first, so that an error names its source.
        yield* TopicConfig.make(config)
        return yield* TopicConfig.make(TopicConfig.merge(config, yield* TopicConfig.input))
      }),
    )
}

const nodeLayer = <E>(
  given: NodeOptions,
  configOf: (options: NodeOptions) => Effect.Effect<TopicConfig.TopicConfig, E | TopicConfig.TopicConfigError>,
) => {
  const options = withOwnSeed(given)
  return Layer.unwrap(
    Effect.gen(function* () {
      yield* checkNames(options, NODE_OPTIONS)
      const config = yield* configOf(options)
      return TopicTracker.layerNoDeps({ config }).pipe(Layer.provideMerge(NodeStack.layer(config, options)))
    }),
  )
}

/** The names of {@link NodeOptions}. */
const NODE_OPTIONS = ["config", "identity", "rotation", "crypto", "gossip"]
