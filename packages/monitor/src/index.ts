export { Monitor, MonitorLog, type MonitorOptions, type MonitorService } from "./Monitor.ts"
export { MonitorError } from "./MonitorError.ts"
export type {
  LatencyState,
  Line,
  MembersState,
  MonitorState,
  NeighborState,
  Percentiles,
  Sample,
  TopicState,
} from "./MonitorState.ts"
