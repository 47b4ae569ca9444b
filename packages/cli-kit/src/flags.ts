/** Options that several commands share, each with a check of its value. */
import { type DhtAddress, DhtConfig } from "@topic-tracker/dht"
import { isRelayUrl } from "@topic-tracker/gossip"
import { Option, Schema } from "effect"
import { Flag } from "effect/cli"

/** Parsed here and not by Flag.Int, so that a word and a fraction have the same error as an integer out of range. */
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

/** The option `--port` with a default. */
export const port = (description: string, fallback: number) =>
  integerFrom("port", description, 0, 65_535, "a port, 0 to 65535").pipe(Flag.withDefault(fallback))

/** An integer option with a least and a greatest value. */
export const integer = (name: string, description: string, minimum: number, maximum: number) =>
  integerFrom(name, description, minimum, maximum, `an integer from ${minimum} to ${maximum}`)

/** The port of the DHT client. */
export const dhtPort = integer(
  "dht-port",
  "The UDP port of the DHT client; 0 takes any free port (default 0)",
  0,
  65_535,
).pipe(Flag.withDefault(0))

/** Events as JSON in place of text. */
export const jsonEvents = Flag.Boolean("json").pipe(
  Flag.withDescription("Print events as JSON, one on each line"),
  Flag.withDefault(false),
)

/** Text of at least one character. */
export const text = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withSchema(Schema.String.check(Schema.isNonEmpty({ expected: "a text of at least one character" }))),
    Flag.withDescription(description),
  )

/** DHT nodes to start from. Empty (the default): the public ones. */
export const bootstrap: Flag.Flag<ReadonlyArray<DhtAddress>> = Flag.String("bootstrap").pipe(
  Flag.filterMap(
    (list) => {
      const nodes = list.split(",").map(DhtConfig.parseAddress)
      return nodes.every((node) => node !== undefined) ? Option.some<ReadonlyArray<DhtAddress>>(nodes) : Option.none()
    },
    () => "HOST:PORT[,HOST:PORT] with ports from 1 to 65535",
  ),
  Flag.withDescription("DHT nodes to start from, HOST:PORT[,HOST:PORT] (default: the public mainline nodes)"),
  Flag.withDefault([]),
)

/** Relays instead of the public ones. Empty: no relays. Undefined (the default): the public ones. */
export const relay: Flag.Flag<ReadonlyArray<string> | undefined> = Flag.String("relay").pipe(
  Flag.filterMap(
    (list) => {
      const urls = list === "none" ? [] : list.split(",")
      return urls.every(isRelayUrl) ? Option.some<ReadonlyArray<string> | undefined>(urls) : Option.none()
    },
    () => "URL[,URL], each http or https, or none",
  ),
  Flag.withDescription("Relays instead of iroh's public ones, URL[,URL]; none turns relays off"),
  Flag.withDefault(undefined),
)
