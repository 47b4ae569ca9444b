/** What a content needs of its surroundings, and where its pieces go. */
import type { EndpointId } from "@topic-tracker/crypto"
import type { Effect } from "effect"
import type { ShareError } from "../ShareError.ts"
import type { PieceRow } from "../tree/PieceRow.ts"

/** What a content needs of its surroundings. */
export interface ContentParts {
  /** This node. */
  readonly self: EndpointId.EndpointId
  readonly now: () => number
  readonly random: () => number
  readonly maxBytes: number
  /** A piece of a peer is not of the content. */
  readonly wrong: (peer: EndpointId.EndpointId, piece: number) => void
  readonly received: (bytes: number) => void
}

/** Where the pieces of a fetch go. */
export interface PieceWriter {
  readonly begin: (row: PieceRow, name: string) => Effect.Effect<void, ShareError>
  readonly write: (piece: number, bytes: Uint8Array) => Effect.Effect<void, ShareError>
}
