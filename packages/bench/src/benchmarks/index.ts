import type { Benchmark } from "../harness/Benchmark.ts"
import { channel } from "./channel.ts"
import { channelLarge } from "./channelLarge.ts"
import { commandStart } from "./commandStart.ts"
import { dht } from "./dht.ts"
import { gossip } from "./gossip.ts"
import { joinCold, joinMembers, joinWarm } from "./join.ts"
import { joinMany } from "./joinMany.ts"
import { lifecycle } from "./lifecycle.ts"
import { manyTopics } from "./manyTopics.ts"
import { peers } from "./peers.ts"
import { records } from "./records.ts"
import { share } from "./share.ts"
import { startUp } from "./startUp.ts"
import { swarm } from "./swarm.ts"

/** All benchmarks, in the order in which they run. */
export const benchmarks: ReadonlyArray<Benchmark> = [
  joinCold,
  joinWarm,
  joinMembers,
  joinMany,
  records,
  dht,
  gossip,
  peers,
  share,
  channel,
  channelLarge,
  manyTopics,
  lifecycle,
  startUp,
  commandStart,
  swarm,
]
