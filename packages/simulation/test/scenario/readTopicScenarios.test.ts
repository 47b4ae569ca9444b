import { readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { mainlinePreset } from "../../src/scenario/DhtSettings.ts"
import { isTopics, readTopicScenarios } from "../../src/scenario/readTopicScenarios.ts"
import { topicLabel } from "../../src/scenario/TopicScenario.ts"

const scenarios = new URL("../../scenarios/", import.meta.url)

const base = `seeds = [1]
[[scenario]]
sim = "Topics"
name = "a"
nodes = 4
duration = "1m"
`

/** The message for a file with these lines after the base's six. */
const refused = (lines: string) => {
  const read = readTopicScenarios(base + lines, "x.toml")
  if (Result.isSuccess(read)) throw new Error(`read: ${lines}`)
  return read.failure.message
}

const read = (lines: string) => Result.getOrThrow(readTopicScenarios(base + lines, "x.toml"))

describe("readTopicScenarios", () => {
  it("reads the scenarios of the repository, which have expectations or a report", () => {
    const files = readdirSync(scenarios)
    assert.isAtLeast(files.length, 9)
    for (const file of files) {
      const text = readFileSync(new URL(file, scenarios), "utf8")
      assert.isTrue(isTopics(text), file)
      const { scenarios: read } = Result.getOrThrow(readTopicScenarios(text, file))
      assert.strictEqual(new Set(read.map(topicLabel)).size, read.length, "names are each one's own")
    }
  })

  it("distinguishes files of whole topics from files of the gossip protocol", () => {
    const all = readFileSync(new URL("../../simulations/all.toml", import.meta.url), "utf8")
    assert.isFalse(isTopics(all))
  })

  it("has defaults for everything", () => {
    const { scenarios } = read("")
    const [{ broadcasts, churn, clockSkewMs, crash, dht, links, partitions, stopEarly }] = scenarios as [
      (typeof scenarios)[0] & {},
    ]
    assert.deepStrictEqual([broadcasts, churn, crash, partitions], [undefined, undefined, undefined, []])
    assert.deepStrictEqual([clockSkewMs, stopEarly], [0, false])
    assert.isTrue(dht.model === "fixed-hops" && dht.nodes === 200)
    assert.deepStrictEqual(links.latency, { _tag: "Uniform", minMs: 10, maxMs: 50 })
  })

  it("reads the settings of a mainline DHT: a preset with changes", () => {
    const settings = (dht: string) => read(`dht = { model = "mainline"${dht} }\n`).scenarios[0]!.dht
    assert.deepStrictEqual(settings(""), mainlinePreset("real"))
    assert.deepStrictEqual(settings(', preset = "hard"'), mainlinePreset("hard"))
    assert.deepStrictEqual(
      settings(
        ', preset = "easy", alive = 9_000, dead = 0.3, answer_bytes_per_second = 0, bootstrap_dead = 0.5, rtt = { median = "90ms", sigma = 0 }',
      ),
      {
        ...mainlinePreset("easy"),
        alive: 9_000,
        dead: 0.3,
        answerBytesPerSecond: 0,
        bootstrapDead: 0.5,
        roundTrip: { _tag: "LogNormal", medianMs: 90, sigma: 0 },
      },
    )
  })

  it("refuses keys of the other model of the DHT, and more nodes than a model can have", () => {
    assert.strictEqual(refused("dht = { mute = 0.1 }\n"), 'x.toml:7: scenario[0].dht.mute: needs model = "mainline"')
    assert.strictEqual(
      refused('dht = { model = "mainline", hops = 3 }\n'),
      'x.toml:7: scenario[0].dht.hops: needs model = "fixed-hops"',
    )
    assert.match(refused("dht = { nodes = 10001 }\n"), /dht\.nodes: 10001 is not an integer from 1 to 10000$/)
    assert.match(
      refused('dht = { model = "mainline", alive = 9000000, dead = 0.5 }\n'),
      /more than the 16777216 addresses/,
    )
    assert.match(refused('dht = { model = "mainline", nodes = 9 }\n'), /dht\.nodes: is "alive" in a mainline$/)
    assert.match(refused('dht = { model = "mainline", latency = { constant = "1ms" } }\n'), /dht\.latency: is "rtt"/)
    assert.match(refused('dht = { model = "kademlia" }\n'), /dht\.model/)
  })

  it("makes one scenario for each position in the lists", () => {
    const { scenarios } = read(`[[scenario.partition]]
at = "10s"
for = "20s"
[scenario.vary]
nodes = [4, 8]
"links.loss" = [0, 0.1]
"topic.bubble_merge.enabled" = [true, false]
"partition.0.groups" = [2, 3]
"expect.one_swarm" = ["1s", "2s"]
`)
    assert.deepStrictEqual(scenarios.map(topicLabel), [
      "a[nodes=4 links.loss=0 topic.bubble_merge.enabled=true partition.0.groups=2]",
      "a[nodes=8 links.loss=0.1 topic.bubble_merge.enabled=false partition.0.groups=3]",
    ])
    assert.deepStrictEqual(
      scenarios.map(({ expect, links, partitions, topic }) => [
        links.loss,
        partitions[0]?.groups,
        expect.one_swarm,
        topic.bubbleMerge?.enabled,
      ]),
      [
        [0, 2, 1_000, true],
        [0.1, 3, 2_000, false],
      ],
    )
  })

  it("names line and key of an invalid value", () => {
    assert.strictEqual(refused("speed = 2\n"), "x.toml:7: scenario[0].speed: no such key here")
    assert.strictEqual(refused("[scenario.links]\nlos = 0.1\n"), "x.toml:8: scenario[0].links.los: no such key here")
    assert.strictEqual(
      refused("[scenario.links]\nloss = 1.5\n"),
      "x.toml:8: scenario[0].links.loss: 1.5 is not a chance, 0 to below 1",
    )
    assert.strictEqual(
      refused('arrive_over = "3 parsecs"\n'),
      'x.toml:7: scenario[0].arrive_over: "3 parsecs" is not a time such as "10ms" or "1s 500ms"',
    )
    assert.strictEqual(
      refused('[scenario.links]\nbandwidth = "10MB"\n'),
      'x.toml:8: scenario[0].links.bandwidth: "10MB" is not a bandwidth such as "10Mbit"',
    )
    assert.match(
      refused("[scenario.topic.publisher]\nspeed = 1\n"),
      /^x\.toml:8: scenario\[0\]\.topic\.publisher\.speed: is no option; expected one of enabled, /,
    )
    assert.match(
      refused("[scenario.topic.bubble_merge]\nmin_neighbors = 9\n"),
      /^x\.toml:8: scenario\[0\]\.topic\.bubble_merge\.min_neighbors: is 9; expected /,
    )
    assert.match(
      refused("[scenario.proto.membership]\nactive_view_capacity = 0\n"),
      /^x\.toml:8: scenario\[0\]\.proto\.membership\.active_view_capacity: /,
    )
    assert.match(refused("[scenario\n"), /^x\.toml:7: not TOML: /)
  })

  it("names line and key of a contradiction", () => {
    const cases: ReadonlyArray<readonly [lines: string, message: string]> = [
      [
        '[scenario.crash]\nat = "2m"\nshare = 0.5\n',
        "x.toml:8: scenario[0].crash.at: is not before the end of the scenario's duration",
      ],
      [
        '[[scenario.partition]]\nat = "10s"\nfor = "50s"\n',
        "x.toml:9: scenario[0].partition[0].for: does not end within the scenario's duration",
      ],
      [
        '[[scenario.partition]]\nat = "10s"\nfor = "10s"\ngroups = 5\n',
        "x.toml:10: scenario[0].partition[0].groups: 5 is more than the 4 nodes",
      ],
      [
        '[scenario.links]\nlatency = { constant = "1ms", uniform = { min = "1ms", max = "2ms" } }\n',
        "x.toml:8: scenario[0].links.latency: must have one of the keys constant, uniform, log_normal and regions",
      ],
      [
        '[scenario.links.latency.regions]\nshare = { a = 0.5, b = 0.4 }\nwithin = "1ms"\nbetween = { a-b = "9ms" }\n',
        "x.toml:8: scenario[0].links.latency.regions.share: the shares add up to 0.9, not 1",
      ],
      [
        '[scenario.links.latency.regions]\nshare = { a = 0.5, b = 0.5 }\nwithin = "1ms"\nbetween = { a-c = "9ms" }\n',
        "x.toml:10: scenario[0].links.latency.regions.between: a-b is missing",
      ],
      [
        '[scenario.churn]\nleaves_per_minute = 1\nuntil = "61s"\n',
        "x.toml:9: scenario[0].churn.until: is after the end of the scenario's duration",
      ],
      [
        '[scenario.churn]\njoins_per_minute = 1\nstay = "5s"\n',
        "x.toml:9: scenario[0].churn.stay: only nodes that leave or crash stay before: give a rate of them too",
      ],
      ["[scenario.vary]\nnodes = 3\n", "x.toml:8: scenario[0].vary.nodes: is not a list of values"],
      [
        '[scenario.vary]\nnodes = [3, 4]\n"links.loss" = [0.1]\n',
        "x.toml:9: scenario[0].vary.links.loss: has 1 values where the first list has 2",
      ],
      [
        '[scenario.vary]\n"links.loss" = [0.1, 7]\n',
        "x.toml:8: scenario[0].vary.links.loss: 7 is not a chance, 0 to below 1",
      ],
    ]
    for (const [lines, message] of cases) assert.strictEqual(refused(lines), message)
  })
})
