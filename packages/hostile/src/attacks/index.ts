/** All attacks, in the order in which they run. */
import type { Attack } from "../harness/Attack.ts"
import { addressSpray } from "./addressSpray.ts"
import { dhtCost } from "./dhtCost.ts"
import { eclipse } from "./eclipse.ts"
import { forwardJoins } from "./forwardJoins.ts"
import { frameCost } from "./frameCost.ts"
import { graftFlood } from "./graftFlood.ts"
import { halfOpen } from "./halfOpen.ts"
import { hostileTraffic } from "./hostileTraffic.ts"
import { iHaveFlood } from "./iHaveFlood.ts"
import { lowSeq } from "./lowSeq.ts"
import { outsiders } from "./outsiders.ts"
import { reflection } from "./reflection.ts"
import { fiveKeys, tenKeys } from "./silentKeys.ts"
import { slotFilled } from "./slotFilled.ts"
import { slowNeighbour } from "./slowNeighbour.ts"
import { storeFlush } from "./storeFlush.ts"
import { streamMemory } from "./streamMemory.ts"
import { wrongClock } from "./wrongClock.ts"

export const attacks: ReadonlyArray<Attack> = [
  fiveKeys,
  tenKeys,
  slowNeighbour,
  graftFlood,
  forwardJoins,
  frameCost,
  iHaveFlood,
  streamMemory,
  halfOpen,
  addressSpray,
  dhtCost,
  reflection,
  storeFlush,
  lowSeq,
  wrongClock,
  slotFilled,
  eclipse,
  hostileTraffic,
  outsiders,
]
