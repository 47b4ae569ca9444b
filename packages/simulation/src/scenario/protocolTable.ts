/**
 * The gossip protocol's parameters, named as in iroh-gossip's configuration files (`proto::Config`): snake case, durations as
 * text. A parameter that is not given has its default. Both kinds of scenario files have this table.
 */
import { ProtocolConfig, type ProtocolConfigInput } from "@topic-tracker/gossip/protocol-config"
import { Result, Schema } from "effect"
import { firstProblem, type Path, type Problem } from "./ConfigError.ts"
import { MillisOrSecsNanos } from "./duration.ts"

const number = Schema.optionalKey(Schema.Int)
const duration = Schema.optionalKey(MillisOrSecsNanos)

const membership = {
  active_view_capacity: number,
  passive_view_capacity: number,
  active_random_walk_length: number,
  passive_random_walk_length: number,
  shuffle_random_walk_length: number,
  shuffle_active_view_count: number,
  shuffle_passive_view_count: number,
  shuffle_interval: duration,
  neighbor_request_timeout: duration,
}

const broadcast = {
  graft_timeout_1: duration,
  graft_timeout_2: duration,
  dispatch_timeout: duration,
  optimization_threshold: number,
  message_cache_retention: duration,
  message_id_retention: duration,
  cache_evict_interval: duration,
  /** Ours. */
  message_cache_max_bytes: number,
  /** Ours. */
  message_id_max_count: number,
}

/** The table `proto` of a file. */
export const ProtocolTable = Schema.Struct({
  membership: Schema.optionalKey(Schema.Struct(membership)),
  broadcast: Schema.optionalKey(Schema.Struct(broadcast)),
  max_message_size: number,
})

const camel = (key: string): string => key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

/** A parameter's name in files. Ranges are checked when the name of a duration has its unit already. */
const snake = (key: string): string =>
  key.replace(/Ms$/, "").replaceAll(/([A-Z]|\d+)/g, (letter) => `_${letter.toLowerCase()}`)

const rename = (table: object | undefined): Record<string, unknown> =>
  Object.fromEntries(Object.entries(table ?? {}).map(([key, value]) => [camel(key), value]))

const decodeProtocol = Schema.decodeUnknownResult(ProtocolConfig)

/** The parameters that a table gives, as gossip takes them. Durations are numbers of milliseconds: plain data. */
export const protocolInputOf = (table: typeof ProtocolTable.Type | undefined): ProtocolConfigInput => ({
  membership: rename(table?.membership),
  broadcast: rename(table?.broadcast),
  ...(table?.max_message_size === undefined ? {} : { maxMessageSize: table.max_message_size }),
})

/** The protocol's configuration with ranges checked and defaults filled in. `path` is the table's place in the file. */
export const protocolOf = (
  table: typeof ProtocolTable.Type | undefined,
  path: Path,
): Result.Result<ProtocolConfig, Problem> =>
  Result.mapError(decodeProtocol(protocolInputOf(table)), (error) => {
    const problem = firstProblem(error)
    return { message: problem.message, path: [...path, ...problem.path.map((key) => snake(String(key)))] }
  })
