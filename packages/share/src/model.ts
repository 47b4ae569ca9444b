/** The types of the public interface: what is shared, how it is fetched, and what a fetch tells. */
import type { EndpointId } from "@topic-tracker/crypto"
import type { Duration, Effect, Scope, Stream } from "effect"
import type { ContentHash } from "./ContentHash.ts"
import type { ShareLimitsInput } from "./limits.ts"
import type { ShareError } from "./ShareError.ts"

/**
 * What to share: bytes, a Stream of them, or a file, which must not change while it is shared.
 *
 * @since 0.1.0
 * @category models
 */
export type ShareSource<E = never, R = never> = Uint8Array | Stream.Stream<Uint8Array, E, R> | { readonly path: string }

/**
 * Options of `share`.
 *
 * @since 0.1.0
 * @category options
 */
export interface ShareContentOptions {
  /** A name that fetching peers are told, at most 255 bytes. It is no part of the hash. Default: the file's name, or none. */
  readonly name?: string
}

/**
 * A content that is shared until the Scope closes.
 *
 * @since 0.1.0
 * @category models
 */
export interface SharedContent {
  readonly hash: ContentHash
  /** In bytes. */
  readonly size: number
  readonly name: string
  /** The bytes of pieces that this node sent of it. */
  readonly uploaded: Effect.Effect<number>
}

/**
 * Options of `fetch`.
 *
 * @since 0.1.0
 * @category options
 */
export interface FetchOptions {
  /** The file to write, or the key of the memory storage. Default: a name made of the hash, in the storage's directory. */
  readonly to?: string
  /** Peers to ask first, such as the one that named the content. */
  readonly from?: Iterable<EndpointId.EndpointId>
  /** The fetch fails when no peer gave a piece for this time. Default 30 s. */
  readonly timeout?: Duration.Input
}

/**
 * What happens in a fetch. `Progress` comes at most five times a second, `Done` is the last one.
 *
 * @since 0.1.0
 * @category models
 */
export type FetchEvent =
  | { readonly _tag: "Searching"; readonly asked: number }
  /** Size and name are known; `resumed` bytes were here from an earlier fetch. */
  | { readonly _tag: "Found"; readonly size: number; readonly name: string; readonly resumed: number }
  | {
      readonly _tag: "Progress"
      /** Bytes that are here and right. */
      readonly verified: number
      readonly size: number
      /** Peers that have pieces which are missing here. */
      readonly providers: number
      /** Of the last five seconds. */
      readonly bytesPerSecond: number
    }
  /** The peer sent a piece that is not of this content: it is not asked again. */
  | { readonly _tag: "WrongPiece"; readonly peer: EndpointId.EndpointId; readonly piece: number }
  | { readonly _tag: "Done"; readonly size: number; readonly path: string; readonly name: string }

/**
 * Options of sharing in a topic.
 *
 * @since 0.1.0
 * @category options
 */
export interface ShareOptions {
  /** Peers that may have contents. They are asked, and the peers that they name. Default: the neighbours of the topic. */
  readonly peers?: Effect.Effect<Iterable<EndpointId.EndpointId>>
  readonly limits?: ShareLimitsInput
}

/**
 * Counters of sharing.
 *
 * @since 0.1.0
 * @category models
 */
export interface ShareStats {
  readonly contents: number
  readonly streams: number
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Pieces of peers that were not of the content. */
  readonly wrongPieces: number
  /** Streams that were closed because the peer did not keep to the protocol. */
  readonly violations: number
}

/**
 * The service Share.
 *
 * @since 0.1.0
 * @category models
 */
export interface ShareService {
  /**
   * Shares a content until the Scope closes, and returns its name. Fails with `NotFound`, `Storage`, `TooLarge`, `TooMany`, `NoSpace` or `InvalidArgument`.
   */
  readonly share: <E = never, R = never>(
    source: ShareSource<E, R>,
    options?: ShareContentOptions,
  ) => Effect.Effect<SharedContent, ShareError | E, R | Scope.Scope>
  /**
   * Fetches a content from the peers that have it. It is shared from the first piece on, and as long as this Share lives. Interrupting the Stream stops it;
   * what was verified stays, and the next fetch to the same place goes on from there.
   */
  readonly fetch: (hash: ContentHash, options?: FetchOptions) => Stream.Stream<FetchEvent, ShareError>
  /** The bytes of a content that was shared or fetched here, piece by piece. */
  readonly read: (hash: ContentHash) => Stream.Stream<Uint8Array, ShareError>
  readonly stats: Effect.Effect<ShareStats>
}
