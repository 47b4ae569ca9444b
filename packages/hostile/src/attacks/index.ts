/** All attacks, in the order in which they run. */
import type { Attack } from "../harness/Attack.ts"
import { fiveKeys, tenKeys } from "./silentKeys.ts"

export const attacks: ReadonlyArray<Attack> = [fiveKeys, tenKeys]
