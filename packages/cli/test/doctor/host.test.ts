/** The command `doctor` on hosts on which something is wrong, each in a network namespace of its own. */
import { describe, expect, it } from "vitest"
import { expectFinding } from "./expectFinding.ts"
import { diagnose, unavailable } from "./namespaces.ts"

if (unavailable !== undefined) console.warn(`doctor's tests of hosts are skipped: ${unavailable}`)

describe.skipIf(unavailable !== undefined).concurrent("doctor", { timeout: 240_000 }, () => {
  it("finds nothing in the way on a host where all is well", async () => {
    const { checks, code, err } = await diagnose("nothing")
    expect(checks.filter(({ ok }) => !ok)).toEqual([])
    expect(checks.map(({ name }) => name)).toEqual(["network", "dht", "storage", "nat"])
    expect([code, err]).toEqual([0, ""])
  })

  it.each([
    { situation: "UDP is blocked", name: "dht", found: /no DHT node answered/, advice: /Allow outgoing UDP/ },
    { situation: "DNS is down", name: "dns", found: /no name .* dht\.example\.org/, advice: /name servers/ },
    {
      situation: "the clock is 3 minutes off",
      name: "clock",
      found: /(179|180|181) s behind/,
      advice: /Set the clock/,
    },
    { situation: "symmetric NAT without relay", name: "nat", found: /NAT is symmetric/, advice: /relays on/ },
    { situation: "the port is taken", name: "port", found: /UDP port 7777 is in use/, advice: /another port/ },
    { situation: "no IPv4", name: "network", found: /IPv6 only/, advice: /IPv4 address/ },
    { situation: "a DHT of read-only nodes", name: "storage", found: /none stores an item/, advice: /read-only/ },
  ])("$situation: says so and nothing else, and what to do", (finding) => expectFinding(finding))
})
