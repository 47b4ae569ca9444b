export { Monitor, MonitorLog, type MonitorOptions, type MonitorService } from "./Monitor.ts"
export { MonitorError } from "./MonitorError.ts"
export type { Line, MonitorState, NeighborState, Sample, TopicState } from "./MonitorState.ts"
