/** Asks a time server how far our clock is off (SNTP, RFC 4330). Topics and members-only doors compare minutes. */
import { Clock, Effect } from "effect"
import { bindUdp, sendUdp } from "./udp.ts"

/** From 1900, the epoch of NTP, to 1970, in seconds. */
const NTP_EPOCH_SECONDS = 2_208_988_800
const ATTEMPTS = 2
const ATTEMPT_MS = 1_000

/** The milliseconds by which our clock is ahead of the server's; undefined if it does not answer. `host` is an IPv4 address. */
export const clockAhead = Effect.fnUntraced(function* (host: string, port: number, bind: string) {
  const bound = yield* bindUdp(bind)
  if (bound._tag === "Failed") return undefined
  const { socket } = bound
  const request = new Uint8Array(48)
  // Version 4, mode 3 (client).
  request[0] = 0x23
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const sentAt = yield* Clock.currentTimeMillis
    const answer = yield* Effect.callback<Uint8Array>((resume) => {
      const onMessage = (bytes: Uint8Array) => {
        // Mode 4 is a server's; stratum 0 is a refusal.
        if (bytes.length >= 48 && (bytes[0]! & 7) === 4 && bytes[1] !== 0) resume(Effect.succeed(bytes))
      }
      socket.on("message", onMessage)
      sendUdp(socket, request, host, port)
      return Effect.sync(() => socket.off("message", onMessage))
    }).pipe(Effect.timeoutOrElse({ duration: ATTEMPT_MS, orElse: () => Effect.succeed(undefined) }))
    if (answer === undefined) continue
    const receivedAt = yield* Clock.currentTimeMillis
    const middle = (timestamp(answer, 32) + timestamp(answer, 40)) / 2
    return (sentAt + receivedAt) / 2 - middle
  }
  return undefined
}, Effect.scoped)

/** Milliseconds since 1970 of the 64-bit timestamp at this place. */
const timestamp = (bytes: Uint8Array, at: number): number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return (view.getUint32(at) - NTP_EPOCH_SECONDS) * 1_000 + (view.getUint32(at + 4) * 1_000) / 2 ** 32
}
