/** A presence as the view of its topic shows it to programs that watch the node, such as the monitor: states as short JSON texts, made when asked for. */
import type { MembersSource, SeenMember } from "@topic-tracker/core"
import { Effect, Exit, Schema, Stream } from "effect"
import type { Member, PresenceChange, PresenceStats } from "./model.ts"

/** A longer state is cut: the texts are for people. */
const MAX_STATE_CHARACTERS = 200

export interface MembersSourceOptions<S> {
  readonly schema: Schema.Codec<S, unknown>
  /** The members now, without a copy. */
  readonly members: () => ReadonlyMap<string, Member<S>>
  readonly stats: Effect.Effect<PresenceStats>
  readonly changes: Stream.Stream<PresenceChange<S>>
}

export const membersSource = <S>({ changes, members, schema, stats }: MembersSourceOptions<S>): MembersSource => {
  const encode: (state: S) => Exit.Exit<string, unknown> = Schema.encodeExit(
    Schema.fromJsonString(Schema.toCodecJson(schema)),
  )
  /** A member is a new object whenever it changes. */
  const texts = new WeakMap<Member<S>, string>()
  const textOf = (member: Member<S>): string => {
    let text = texts.get(member)
    if (text === undefined) {
      const encoded = encode(member.state)
      const json = Exit.isSuccess(encoded) ? encoded.value : "(no JSON)"
      text = json.length <= MAX_STATE_CHARACTERS ? json : `${json.slice(0, MAX_STATE_CHARACTERS - 1)}…`
      texts.set(member, text)
    }
    return text
  }
  return {
    counts: Effect.map(stats, ({ members, suspected }) => ({ members, suspected })),
    first: (most) =>
      Effect.sync(() =>
        [...members().values()]
          .sort((a, b) => Number(b.suspected) - Number(a.suspected) || b.since - a.since || (a.id < b.id ? -1 : 1))
          .slice(0, most)
          .map(
            (member): SeenMember => ({
              id: member.id,
              state: textOf(member),
              since: member.since,
              suspected: member.suspected,
            }),
          ),
      ),
    changes: Stream.map(changes, ({ _tag, member: { id } }) => ({ _tag, id })),
  }
}
