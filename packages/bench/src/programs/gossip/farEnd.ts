/** The far end of gossip and of iroh's binding alone in another process: the line that its program prints, and the argument of ours that holds it. */
import { EndpointId } from "@topic-tracker/crypto"
import { Schema } from "effect"
import { print } from "../print.ts"
import type { listen } from "./bareIroh.ts"
import type { NodeAddress } from "./gossipNode.ts"

const FarEnd = Schema.Struct({
  id: EndpointId.EndpointId,
  addresses: Schema.Array(Schema.String),
  bareId: Schema.String,
  bareAddress: Schema.String,
})
export type FarEnd = typeof FarEnd.Type

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(FarEnd))

/** The program's argument number `index` (from 0) as a far end; undefined if there is none. */
export const farEndAt = (index: number): FarEnd | undefined => {
  const text = process.argv[2 + index]
  return text === undefined ? undefined : decode(text)
}

export const printFarEnd = ({ addresses, id }: NodeAddress, bare: Awaited<ReturnType<typeof listen>>): void => {
  const end: FarEnd = { id, addresses, bareId: bare.id, bareAddress: bare.address }
  print(end)
}
