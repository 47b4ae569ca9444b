/** What the machine's network looks like: changes when an interface comes, goes or gets another address. */
import { networkInterfaces } from "node:os"

export const networkFingerprint = (): string =>
  Object.entries(networkInterfaces())
    .flatMap(([name, addresses]) => (addresses ?? []).map(({ cidr }) => `${name} ${cidr}`))
    .sort()
    .join("\n")
