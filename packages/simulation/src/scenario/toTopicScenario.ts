/** Makes a scenario of whole topics from its table: fills in defaults and checks what several keys allow together. */
import { Result } from "effect"
import type { Path, Problem } from "./ConfigError.ts"
import type { Delay } from "./Delay.ts"
import { type DelayTable, delayOf } from "./delayTable.ts"
import { dhtOf } from "./dhtOf.ts"
import type { LinkSettings, RelaySettings } from "./LinkSettings.ts"
import { protocolInputOf, protocolOf } from "./protocolTable.ts"
import type { Broadcasts, ChannelTraffic, Churn, TopicScenario, Variant } from "./TopicScenario.ts"
import { topicOptionsOf } from "./topicOptions.ts"
import { bitsPerSecond, type TopicScenarioTable } from "./topicTables.ts"
import { namingPart } from "./variants.ts"

type Table = typeof TopicScenarioTable.Type

export const toTopicScenario = (table: Table, variant: Variant): Result.Result<TopicScenario, Problem> =>
  Result.gen(function* () {
    const { broadcast, channel, churn, crash, expect, late, links, partition, proto, suspend, topic, ...rest } = table
    const latency = yield* delayAt(links?.latency, { uniform: { min: 10, max: 50 } }, ["links", "latency"])
    const dht = yield* dhtOf(table.dht)
    const topicOptions = yield* topicOptionsOf(topic)
    yield* protocolOf(proto, ["proto"])
    const problem = contradiction(table)
    if (problem !== undefined) yield* Result.fail(problem)
    return {
      name: rest.name,
      variant: namingPart(variant),
      nodes: rest.nodes,
      durationMs: rest.duration,
      arriveOverMs: rest.arrive_over ?? 0,
      stopEarly: rest.stop_early ?? false,
      startSecond: rest.start_second,
      clockSkewMs: rest.clock_skew ?? 0,
      addresses: rest.addresses ?? "known",
      links: linksOf(links, latency),
      dht,
      partitions: (partition ?? []).map(({ at, dht, for: lasts, groups }) => ({
        atMs: at,
        forMs: lasts,
        groups: groups ?? 2,
        dht: dht ?? true,
      })),
      crash: crash === undefined ? undefined : { atMs: crash.at, share: crash.share },
      late: late === undefined ? undefined : { atMs: late.at, nodes: late.nodes ?? 1, everyMs: late.every ?? 0 },
      suspension: suspend === undefined ? undefined : { atMs: suspend.at, forMs: suspend.for, share: suspend.share },
      churn: churn === undefined ? undefined : churnOf(churn, rest.duration),
      broadcasts: broadcast === undefined ? undefined : broadcastsOf(broadcast),
      channel: channel === undefined ? undefined : channelOf(channel),
      topic: topicOptions,
      gossip: protocolInputOf(proto),
      expect: expect ?? {},
    }
  })

const delayAt = (
  table: typeof DelayTable.Type | undefined,
  fallback: typeof DelayTable.Type,
  path: Path,
): Result.Result<Delay, Problem> => delayOf(table ?? fallback, path)

const linksOf = (table: Table["links"], latency: Delay): LinkSettings => ({
  latency,
  jitterMs: table?.jitter ?? 0,
  loss: table?.loss ?? 0,
  duplication: table?.duplication ?? 0,
  reordering: { share: table?.reordering?.share ?? 0, delayMs: table?.reordering?.delay ?? 0 },
  bandwidth: table?.bandwidth === undefined ? undefined : bitsPerSecond(table.bandwidth),
  nat: table?.nat ?? 0,
  relay: table?.relay === undefined ? undefined : relayOf(table.relay),
})

/** iroh's own figures: hole punching works in some 90 % of pairs, mostly within a second. */
const relayOf = (table: NonNullable<NonNullable<Table["links"]>["relay"]>): RelaySettings => ({
  rttMs: table.rtt ?? 120,
  share: table.share ?? 1,
  punched: table.punched ?? 0.9,
  afterMs: table.after ?? 1_000,
})

const churnOf = (table: NonNullable<Table["churn"]>, durationMs: number): Churn => ({
  joinsPerMinute: table.joins_per_minute ?? 0,
  leavesPerMinute: table.leaves_per_minute ?? 0,
  crashesPerMinute: table.crashes_per_minute ?? 0,
  fromMs: table.from ?? 0,
  untilMs: table.until ?? durationMs,
  stayMs: table.stay ?? 0,
})

const broadcastsOf = (table: NonNullable<Table["broadcast"]>): Broadcasts => ({
  fromMs: table.from,
  everyMs: table.every ?? 1_000,
  count: table.count,
  bytes: table.bytes ?? 100,
})

const channelOf = (table: NonNullable<Table["channel"]>): ChannelTraffic => ({
  authors: table.authors ?? 1,
  count: table.count ?? 0,
  everyMs: table.every ?? 1_000,
  bytes: table.bytes ?? 100,
  largeBytes: table.large ?? 0,
  firstWords: table.first_words ?? false,
})

/** Values that are valid one by one but not together; undefined if there are none. */
const contradiction = ({
  churn,
  crash,
  duration,
  late,
  links,
  nodes,
  partition,
  suspend,
}: Table): Problem | undefined => {
  if (links?.relay !== undefined && !((links.nat ?? 0) > 0)) {
    return { path: ["links", "relay"], message: "only nodes behind a NAT have one: give links.nat too" }
  }
  if (crash !== undefined && crash.at >= duration) {
    return { path: ["crash", "at"], message: "is not before the end of the scenario's duration" }
  }
  if (late !== undefined && late.at >= duration) {
    return { path: ["late", "at"], message: "is not before the end of the scenario's duration" }
  }
  if (suspend !== undefined && suspend.at + suspend.for >= duration) {
    return { path: ["suspend", "for"], message: "does not end within the scenario's duration" }
  }
  if (churn?.until !== undefined && churn.until <= (churn.from ?? 0)) {
    return { path: ["churn", "until"], message: "is not after churn.from" }
  }
  if (churn?.until !== undefined && churn.until > duration) {
    return { path: ["churn", "until"], message: "is after the end of the scenario's duration" }
  }
  if (churn?.stay !== undefined && churn.stay > 0 && !(churn.leaves_per_minute || churn.crashes_per_minute)) {
    return { path: ["churn", "stay"], message: "only nodes that leave or crash stay before: give a rate of them too" }
  }
  let healedAt = 0
  for (const [i, { at, for: lasts, groups = 2 }] of (partition ?? []).entries()) {
    const path = ["partition", i]
    if (at < healedAt) return { path: [...path, "at"], message: "is before the end of the partition before" }
    if (groups > nodes) return { path: [...path, "groups"], message: `${groups} is more than the ${nodes} nodes` }
    healedAt = at + lasts
    if (healedAt >= duration) return { path: [...path, "for"], message: "does not end within the scenario's duration" }
  }
  return undefined
}
