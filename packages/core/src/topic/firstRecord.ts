/** A search's records: the first one, and the one that follows it when there is a neighbour to name. */

import { firstOf, Signal } from "@topic-tracker/common"
import { Duration, Effect } from "effect"
import { type GossipRecord, ofMinute, publishRecord, type Session } from "./Session.ts"
import type { Search } from "./search/Search.ts"

/**
 * The first record of a search, once its first look has heard the nearest nodes. Where others show already, it waits a moment for
 * the neighbour to name: it may take the place of records that lead to the whole swarm, and must not lead to us alone.
 */
export const publishFirst = Effect.fnUntraced(function* (search: Search) {
  const { session } = search
  const { config, records, state, timers } = session
  const unixMinute = yield* records.unixMinute
  session.publishedMinute = unixMinute
  const isShown = new Signal(timers, false)
  let known: ReadonlyArray<GossipRecord> | undefined
  search.onShown = (records, minutes) => {
    search.onShown = undefined
    if (minutes.includes(unixMinute)) known = ofMinute(records, unixMinute)
    isShown.open()
  }
  const first = Effect.gen(function* () {
    // Who has a neighbour before that ends the look.
    yield* firstOf(timers, [isShown, state.joined])
    yield* session.pace.turn("urgent")
    if (known !== undefined && known.length > 0) {
      yield* firstOf(timers, [state.joined], Duration.toMillis(config.bootstrap.joinConfirmationWaitTime))
    }
    yield* publishAndName(session, (yield* records.unixMinute) === unixMinute ? known : undefined)
  })
  yield* inBackground(session, first)
})

/** Puts a record; and, if the first neighbour came meanwhile, another that names it. */
export const publishAndName = (session: Session, known?: ReadonlyArray<GossipRecord>) =>
  Effect.andThen(publishRecord(session, "bootstrap", known), nameNeighbor(session))

/** From the first neighbour to the record that names it, in ms: the neighbour's own join, half done, comes first. */
const NAMED_AFTER = 50

/** Puts our record again if it leads to nobody but us, though there is a neighbour to name. */
export const nameNeighbor = Effect.fnUntraced(function* (session: Session) {
  if (!tellsOfNobody(session)) return
  yield* Effect.sleep(NAMED_AFTER)
  if (tellsOfNobody(session)) yield* publishRecord(session, "bootstrap", [])
})

/** A record is published whether or not the search ends meanwhile: it is how the next ones find us. */
export const inBackground = <E extends { readonly message: string }>(
  session: Session,
  publish: Effect.Effect<unknown, E>,
) =>
  publish.pipe(
    Effect.onError(() =>
      Effect.sync(() => {
        session.publishedMinute = undefined
      }),
    ),
    session.account.forgive("bootstrap"),
    Effect.forkIn(session.scope),
  )

/**
 * Whether our record leads to us alone although we have neighbours by now. It may have taken the place of records that led to
 * the whole swarm; if we left, the topic would not be found until the next record. So it is put again.
 */
const tellsOfNobody = ({ config, publishedAlone, state }: Session): boolean =>
  config.publisher.enabled && publishedAlone && state.neighbors.size > 0
