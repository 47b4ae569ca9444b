/**
 * Which hosts count as public. The limits per host and network hold for these only: on private hosts many nodes share one
 * address. A reference and no option, because only tests replace it: they treat loopback addresses as public.
 */
import { SocketAddress } from "@topic-tracker/common"
import { Context } from "effect"
import type { ReachOf } from "./nodeId.ts"

export const HostRules = Context.Reference<{ readonly reachOf: ReachOf }>("@topic-tracker/dht/HostRules", {
  defaultValue: () => ({ reachOf: SocketAddress.reachOf4 }),
})
