/** The simulator as a library: scenarios of the gossip protocol and of whole topics, their runs and their reports. */

export type { DhtModel } from "./environment/DhtModel.ts"
export type { DhtLoad, Environment } from "./environment/Environment.ts"
export { EventSchedule } from "./environment/EventSchedule.ts"
export { LinkModel } from "./environment/LinkModel.ts"
export { Deadlock, VirtualTime } from "./environment/VirtualTime.ts"
export { type EventKind, type EventLog, eventKinds, LogHash, TextLog } from "./gossip/EventLog.ts"
export { type Emitted, GossipNetwork, type GossipNetworkOptions, type Node } from "./gossip/GossipNetwork.ts"
export { type GossipRun, type RoundStats, runGossipScenario } from "./gossip/runGossipScenario.ts"
export { JOIN_FIGURES } from "./mainline/joins.ts"
export { type MeasureOptions, measureMainline } from "./mainline/measure.ts"
export { type Quantiles, Samples } from "./mainline/Samples.ts"
export { WALK_FIGURES } from "./mainline/walks.ts"
export { type GossipSummary, gossipTable, type Spread, summarizeGossip } from "./report/gossipSummary.ts"
export { reportHtml } from "./report/html.ts"
export { summarizeTopics, type TopicSummary, topicTable } from "./report/topicSummary.ts"
export { unmet } from "./run/expectations.ts"
export { RunFailed } from "./run/RunFailed.ts"
export { type GossipScenarioResult, type RunGossipOptions, runGossipScenarios } from "./run/runGossipScenarios.ts"
export { type RunTopicOptions, runTopicScenario, type TopicRun } from "./run/runTopicScenario.ts"
export {
  type RunTopicsOptions,
  runTopicScenarios,
  type SeededScenario,
  type TopicScenarioResult,
  type TopicWork,
} from "./run/runTopicScenarios.ts"
export { ConfigError } from "./scenario/ConfigError.ts"
export type { Delay, Regions } from "./scenario/Delay.ts"
export {
  type DhtSettings,
  type FixedHopsSettings,
  type HostileSettings,
  type MainlinePreset,
  type MainlineSettings,
  mainlinePreset,
} from "./scenario/DhtSettings.ts"
export { type Bootstrap, type GossipScenario, gossipLabel, type Simulation } from "./scenario/GossipScenario.ts"
export { defaultLatency, type Latency } from "./scenario/Latency.ts"
export { type LinkSettings, perfectLinks } from "./scenario/LinkSettings.ts"
export { type GossipScenarioFile, readGossipScenarios } from "./scenario/readGossipScenarios.ts"
export { readTopicScenarios, type TopicScenarioFile } from "./scenario/readTopicScenarios.ts"
export { type TopicScenario, topicLabel } from "./scenario/TopicScenario.ts"
export { type Agreement, agreements } from "./sockets/agreement.ts"
export { NamespaceError, runInNamespace, SocketRunFailed } from "./sockets/namespace.ts"
export { type PacketPolicy, Relay, type RelayCounters, RelayError, type SocketAddress } from "./sockets/Relay.ts"
export type { SocketRun } from "./sockets/runOverSockets.ts"
export type { TopicFigures } from "./world/Figures.ts"
