/**
 * Who this node is: one Ed25519 key that signs its records and is its iroh endpoint's secret key at once, as the
 * reference has it (a record's public key is what others dial).
 */
import { Context } from "effect"
import type { SigningKey } from "./Crypto.ts"
import type { EndpointId } from "./EndpointId.ts"

export class Identity extends Context.Service<
  Identity,
  {
    readonly endpointId: EndpointId
    readonly signingKey: SigningKey
  }
>()("@topic-tracker/crypto/Identity") {}
