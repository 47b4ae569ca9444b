/** The options that several commands share, with the rule each value must keep. */
import { type DhtAddress, DhtConfig } from "@topic-tracker/dht"
import { isRelayUrl } from "@topic-tracker/gossip"
import { Option, Redacted, Schema } from "effect"
import { Flag } from "effect/cli"

/** Whatever is no such integer, a word or a fraction too, is answered with what it may be. */
const integerFrom = (name: string, description: string, minimum: number, maximum: number, expected: string) =>
  Flag.String(name).pipe(
    Flag.filterMap(
      (text) => {
        const value = text.trim() === "" ? Number.NaN : Number(text)
        return Number.isInteger(value) && value >= minimum && value <= maximum ? Option.some(value) : Option.none()
      },
      () => expected,
    ),
    Flag.withMetavar("integer"),
    Flag.withDescription(description),
  )

/** The option `--port`, with the port that is taken without it. */
export const port = (description: string, fallback: number) =>
  integerFrom("port", description, 0, 65_535, "a port, 0 to 65535").pipe(Flag.withDefault(fallback))

/** An integer option with a lowest and a highest value. */
export const integer = (name: string, description: string, minimum: number, maximum: number) =>
  integerFrom(name, description, minimum, maximum, `an integer from ${minimum} to ${maximum}`)

/** Text of at least one character. */
export const text = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withSchema(Schema.String.check(Schema.isNonEmpty({ expected: "a text of at least one character" }))),
    Flag.withDescription(description),
  )

/** What only the members of a topic know; it shows in no output. */
export const secret = (description: string) =>
  Flag.Redacted("secret").pipe(
    Flag.filter(
      (value) => Redacted.value(value).length > 0,
      () => "a text of at least one character",
    ),
    Flag.withDescription(description),
  )

/** DHT nodes to start from; empty, which means the public ones, unless given. */
export const bootstrap: Flag.Flag<ReadonlyArray<DhtAddress>> = Flag.String("bootstrap").pipe(
  Flag.filterMap(
    (list) => {
      const nodes = list.split(",").map(DhtConfig.parseAddress)
      return nodes.every((node) => node !== undefined) ? Option.some<ReadonlyArray<DhtAddress>>(nodes) : Option.none()
    },
    () => "HOST:PORT[,HOST:PORT] with ports from 1 to 65535",
  ),
  Flag.withDescription("DHT nodes to start from, HOST:PORT[,HOST:PORT]; the public mainline ones unless given"),
  Flag.withDefault([]),
)

/** The relays to use in place of the public ones; empty for none at all, undefined unless given. */
export const relay: Flag.Flag<ReadonlyArray<string> | undefined> = Flag.String("relay").pipe(
  Flag.filterMap(
    (list) => {
      const urls = list === "none" ? [] : list.split(",")
      return urls.every(isRelayUrl) ? Option.some<ReadonlyArray<string> | undefined>(urls) : Option.none()
    },
    () => "URL[,URL], each http or https, or none",
  ),
  Flag.withDescription("Relays in place of iroh's public ones, URL[,URL]; none turns all relays off"),
  Flag.withDefault(undefined),
)
