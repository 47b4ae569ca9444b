// The parts of two untyped packages that are used here.

declare module "dns-packet" {
  interface Answer {
    readonly type: string
    readonly name: string
    readonly ttl?: number
    /** For a TXT answer: its character strings. */
    readonly data?: unknown
  }
  interface Packet {
    readonly answers: ReadonlyArray<Answer>
  }
  /** Throws when the bytes are no DNS packet (RFC 1035). */
  export const decode: {
    (bytes: Uint8Array): Packet
    /** The length that the last packet claimed, which can be more than the bytes given. */
    readonly bytes: number
  }
}

declare module "z32" {
  /** z-base-32 of the bytes. */
  export function encode(bytes: Uint8Array): string
  /** Throws on a character outside the alphabet. */
  export function decode(text: string): Uint8Array
}
