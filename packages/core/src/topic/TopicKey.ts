/**
 * The identity of an open topic: two joins with the same key share one topic. The secret becomes a hash here, and only the hash goes on: to
 * the keys of the topic's minutes (`records/minuteKeys.ts`) and from there to the DHT. The secret itself stays here, redacted, for invitations.
 */
import { Bytes } from "@topic-tracker/common"
import { type CryptoService, initialSecretHash, type TopicId } from "@topic-tracker/crypto"
import { MembersKeys } from "@topic-tracker/crypto/members"
import type { MembersOptions } from "@topic-tracker/gossip"
import { Equal, Hash, Redacted } from "effect"
import type { TopicConfig } from "../config/TopicConfig.ts"
import type { Tuning } from "../config/Tuning.ts"
import type { InviteGeneration, InvitePeer } from "../invite/Invite.ts"
import type { JoinOptions } from "./Topic.ts"

/** The options of a members-only topic. */
export interface MembersSettings {
  readonly allow?: MembersOptions["allow"]
  readonly overlapMinutes?: number
}

/** The options and the timing of a topic, and how to find it. */
export interface TopicSettings {
  readonly config: TopicConfig
  readonly tuning: Tuning
  /** Those of a members-only topic. */
  readonly members: MembersSettings
  /** The endpoints that the invitation of the join names. */
  readonly invited: ReadonlyArray<InvitePeer>
  /** The secret that the invitation has beside the initial one. */
  readonly ring: InviteGeneration | undefined
  /** The name with which it was joined, for invitations; undefined if it was joined by its id, or by bytes. */
  readonly name: string | undefined
}

export class TopicKey implements Equal.Equal {
  /** Names the topic's slots in the DHT. */
  readonly topic: TopicId
  /** Names the topic in gossip. A process has one gossip topic of an id at a time. */
  readonly gossipTopic: TopicId
  /** SHA-512 of the secret, cut to 32 bytes. */
  readonly secretHash: Redacted.Redacted<Uint8Array>
  readonly access: "open" | "members"
  /** As it was given. Only invitations show it. */
  readonly secret: Redacted.Redacted<string | Uint8Array>
  /** The options with which the topic is opened if it is not open yet. Not compared. */
  readonly settings: TopicSettings

  /** With `crypto` the topic is members-only: its gossip topic follows from the secret, too. */
  constructor(topic: TopicId, secret: JoinOptions["secret"], settings: TopicSettings, crypto?: CryptoService) {
    this.topic = topic
    this.secret = Redacted.isRedacted(secret) ? secret : Redacted.make(secret)
    this.secretHash = initialSecretHash(this.secret)
    this.access = crypto === undefined ? "open" : "members"
    this.gossipTopic = crypto === undefined ? topic : new MembersKeys(crypto, topic, this.secretHash).gossipTopic
    this.settings = settings
  }

  [Equal.symbol](that: Equal.Equal): boolean {
    return (
      that instanceof TopicKey &&
      this.topic.hex === that.topic.hex &&
      this.access === that.access &&
      Bytes.equals(Redacted.value(this.secretHash), Redacted.value(that.secretHash))
    )
  }

  [Hash.symbol](): number {
    return Hash.string(this.topic.hex)
  }
}
