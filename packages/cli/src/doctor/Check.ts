/** The result of one check of the command `doctor`. The names are an interface: programs read them with `--json`. */

export type CheckName =
  | "network"
  | "port"
  | "dns"
  | "dht"
  | "storage"
  | "clock"
  | "nat"
  | "access"
  | "secret"
  | "slot"
  | "members"

export interface Check {
  readonly name: CheckName
  /** Whether nothing stands in the way here. */
  readonly ok: boolean
  /** The finding, a sentence. */
  readonly found: string
  /** The advice; empty if there is nothing to do. */
  readonly advice: string
}

export const passed = (name: CheckName, found: string, advice = ""): Check => ({ name, ok: true, found, advice })

export const failed = (name: CheckName, found: string, advice: string): Check => ({ name, ok: false, found, advice })
