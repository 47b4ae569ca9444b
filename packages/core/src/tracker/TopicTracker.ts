/**
 * All topics of a process. They share one DHT client, one endpoint and one gossip service, and joining the same topic (same id,
 * same secret) again shares the topic itself. The tracker also makes our addresses findable, and tells its topics when the
 * network under them changed.
 */
import type { Crypto, EndpointId, Identity, SecretRotation } from "@topic-tracker/crypto"
import type { Dht, DhtError } from "@topic-tracker/dht"
import type { AddressLookup, Gossip, GossipError } from "@topic-tracker/gossip"
import { type Config, Context, Effect, Layer, type Scope } from "effect"
import * as TopicConfig from "../config/TopicConfig.ts"
import * as MemoryStack from "../stack/memory.ts"
import * as NodeStack from "../stack/node.ts"
import type { JoinOptions, Topic } from "../topic/Topic.ts"
import type { TopicError } from "../topic/TopicError.ts"
import { makeTracker } from "./makeTracker.ts"

/** What a tracker over any services can be told. */
export interface TopicTrackerOptions {
  /** What differs from the defaults in every topic of this tracker; each join may differ again. */
  readonly config?: TopicConfig.TopicConfigInput
}

/** What a tracker on real sockets can be told; nothing is required. */
export interface NodeOptions extends TopicTrackerOptions, NodeStack.NodeStackOptions {
  /** DHT nodes to start from, as "host:port"; the same as `config.dht.bootstrap`. Default: the public ones. */
  readonly bootstrap?: NonNullable<TopicConfig.TopicConfigInput["dht"]>["bootstrap"]
  /**
   * Whether to use iroh's public relays and discovery, or the URLs of relays to use instead; the same as `config.network.relays` and
   * `config.network.relayUrls`. Default: true.
   */
  readonly relays?: boolean | ReadonlyArray<string>
}

/** All topics of this process: they share one DHT client, one endpoint and one gossip service. Programs join with `Topic.join`. */
export class TopicTracker extends Context.Service<
  TopicTracker,
  {
    /** The name by which others dial us. */
    readonly endpointId: EndpointId.EndpointId
    /** As `Topic.join`. */
    readonly join: (
      options: JoinOptions,
    ) => Effect.Effect<Topic, TopicError | TopicConfig.TopicConfigError, Scope.Scope>
    /** As `Topic.joinNoWait`. */
    readonly joinNoWait: (
      options: JoinOptions,
    ) => Effect.Effect<Topic, TopicError | TopicConfig.TopicConfigError, Scope.Scope>
    /** How many topics are open. */
    readonly openTopics: Effect.Effect<number>
  }
>()("@topic-tracker/core/TopicTracker") {
  /** The tracker over services that are provided from elsewhere: for tests, and for those who bring a part of their own. */
  static readonly layerNoDeps = (
    options: TopicTrackerOptions = {},
  ): Layer.Layer<
    TopicTracker,
    TopicConfig.TopicConfigError,
    Dht | Gossip | Crypto | SecretRotation | Identity | AddressLookup
  > => Layer.effect(TopicTracker, Effect.flatMap(TopicConfig.make(options.config), makeTracker))

  /**
   * A node on Node.js with all that belongs to it: one UDP socket for the DHT, one iroh endpoint. On the public internet unless
   * the bootstrap nodes are loopback addresses only; then nothing leaves this host. The services below the tracker are there
   * for use too, for example for a RecordPublisher. Fails when an option cannot be, or the DHT's socket cannot be
   * bound. The endpoint is still being bound when the tracker is there, while topics look for records already; if it cannot be, they end,
   * and joins fail, with the reason.
   */
  static readonly layer = (
    options: NodeOptions = {},
  ): Layer.Layer<TopicTracker | NodeStack.Services, TopicConfig.TopicConfigError | DhtError | GossipError> =>
    Layer.unwrap(Effect.map(nodeConfig(options), (config) => nodeLayer(config, options)))

  /** As {@link layer}, with the configuration from the current ConfigProvider (environment `TOPIC_TRACKER_…`). */
  static readonly layerConfig = (
    options: NodeStack.NodeStackOptions = {},
  ): Layer.Layer<
    TopicTracker | NodeStack.Services,
    TopicConfig.TopicConfigError | Config.ConfigError | DhtError | GossipError
  > => Layer.unwrap(Effect.map(TopicConfig.config, (config) => nodeLayer(config, options)))

  /** A node in a world in memory (see `MemoryWorld`): no socket, and time is Effect's Clock. */
  static readonly layerMemory = (
    world: MemoryStack.MemoryWorld,
    options: TopicTrackerOptions & MemoryStack.MemoryStackOptions = {},
  ): Layer.Layer<TopicTracker | NodeStack.Services, TopicConfig.TopicConfigError> =>
    TopicTracker.layerNoDeps(options).pipe(Layer.provideMerge(MemoryStack.layer(world, options)))
}

const nodeConfig = ({ bootstrap, relays, config = {} }: NodeOptions) =>
  TopicConfig.make({
    ...config,
    dht: { ...config.dht, ...(bootstrap === undefined ? {} : { bootstrap }) },
    network: {
      ...config.network,
      ...(relays === undefined ? {} : typeof relays === "boolean" ? { relays } : named(relays)),
    },
  })

/** None named is none used, not the public ones. */
const named = (relayUrls: ReadonlyArray<string>) => ({ relays: relayUrls.length > 0, relayUrls })

const nodeLayer = (config: TopicConfig.TopicConfig, options: NodeStack.NodeStackOptions) =>
  TopicTracker.layerNoDeps({ config }).pipe(Layer.provideMerge(NodeStack.layer(config, options)))
