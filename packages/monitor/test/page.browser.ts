/**
 * The page in a headless Chromium, over real sockets: a node with a neighbour and a member that only records name. It is looked at as
 * people use it: at the width of a telephone, dark, by keyboard, and as a screen reader has it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Topic, TopicTracker, TrackerMetrics } from "@topic-tracker/core"
import { Crypto } from "@topic-tracker/crypto"
import { DhtTestnet } from "@topic-tracker/dht/testing"
import { Presence } from "@topic-tracker/presence"
import { Effect, Exit, Layer, Logger, Redacted, Schema, Scope } from "effect"
import * as Chromium from "../../../scripts/browser/Chromium.ts"
import { Monitor } from "../src/index.ts"

const State = Schema.Struct({ name: Schema.String })

/** Opens the page of a node that has a neighbour. */
const openPage = Effect.fnUntraced(function* ({ hasPresence = true } = {}) {
  const { addresses } = yield* DhtTestnet.make({ nodes: 20 }).pipe(Effect.provide(Crypto.layer()))
  const node = TopicTracker.layer({ config: { dht: { bootstrap: addresses.slice(0, 1) } } })
  /** In the topic, with a presence and a channel on which it says something that others acknowledge. */
  const join = Effect.fnUntraced(function* (name: string) {
    const topic = yield* Topic.join({ topic: "crew", secret: "s", access: "members" })
    if (hasPresence) yield* Presence.make(topic, { schema: State, state: { name } })
    const channel = yield* topic.channel("words", Schema.String)
    const say = channel.publish("hello", { acknowledge: { by: 1, within: "5 seconds" } })
    yield* Effect.forkScoped(Effect.ignore(Effect.retry(say, { times: 5 })))
  })
  yield* Effect.forkScoped(
    Effect.andThen(join("<b>Ben</b>"), Effect.never).pipe(Effect.scoped, Effect.provide(Layer.fresh(node))),
  )
  const scope = yield* Scope.fork(yield* Effect.scope)
  const services = yield* Layer.build(
    Layer.merge(Monitor.layer({ port: 0 }), TrackerMetrics.layer()).pipe(
      Layer.provideMerge(node),
      Layer.provideMerge(Monitor.layerLog()),
      Layer.provideMerge(Logger.layer([])),
    ),
  ).pipe(Scope.provide(scope))
  const url = yield* Effect.gen(function* () {
    yield* join("Ada")
    yield* Topic.joinNoWait({ topic: "quiet", secret: "s" })
    // What others may write into a log.
    yield* Effect.logWarning("<img src=x onerror=alert(1)> looks like HTML")
    return Redacted.value((yield* Monitor).url)
  }).pipe(Effect.provide(services), Scope.provide(scope))
  const page = yield* Chromium.open
  const goto = Effect.andThen(
    page.goto(url),
    page.waitFor("document.getElementById('status').textContent === 'joined'"),
  )
  return { page, goto, origin: new URL(url).origin, end: Scope.close(scope, Exit.void) }
})

/** Where pictures are kept, to look at them. */
const pictures = process.env.PICTURES

describe("the page", { timeout: 60_000 }, () => {
  it.live("shows the neighbour with path and round trip, and keeps to this host", () =>
    Effect.gen(function* () {
      const { goto, origin, page } = yield* openPage()
      yield* page.look({ width: 1280, height: 900 })
      yield* goto
      yield* page.waitFor("document.querySelectorAll('#neighbors td').length === 4")
      const cells = yield* page.evaluate<ReadonlyArray<string>>(
        "[...document.querySelectorAll('#neighbors td')].map((cell) => cell.textContent)",
      )
      assert.match(cells[0]!, /^[0-9a-f]{8}…$/)
      assert.strictEqual(cells[1], "direct")
      assert.match(cells[2]!, /^(under 1|\d+) ms$/)
      assert.match(cells[3]!, /^(127\.0\.0\.1|\[::1\]):\d+$/)
      // Members with their state, as text; this node is one of them.
      yield* page.waitFor("document.querySelectorAll('#members tr').length === 2", 30_000)
      const states = yield* page.evaluate<Array<string>>(
        "[...document.querySelectorAll('#members td.text')].map((cell) => cell.textContent)",
      )
      assert.sameMembers(states, ['{"name":"Ada"}', '{"name":"<b>Ben</b>"}'])
      assert.strictEqual(
        yield* page.evaluate("document.getElementById('members-text').textContent"),
        "2 members are here.",
      )
      // Latencies: round trips of the connection, and messages that the channel acknowledged.
      const timesOf = (row: number) =>
        page.waitFor(`Number(document.querySelectorAll('#latency tr')[${row}].cells[1].textContent) > 0`, 30_000)
      yield* timesOf(0)
      yield* timesOf(3)
      yield* timesOf(4)
      // The page learns of the join from another stream than of the neighbours.
      yield* page.waitFor("document.getElementById('joined').textContent !== 'No neighbour so far.'")
      assert.match(
        yield* page.evaluate<string>("document.getElementById('joined').textContent"),
        /^The first neighbour came after \d+ m?s\.$/,
      )
      // Each chart is drawn.
      yield* page.waitFor(
        "[...document.querySelectorAll('.chart')].every((chart) => chart.querySelectorAll('svg path').length > 0)",
      )
      // Text of others is text.
      assert.include(
        yield* page.evaluate<string>("document.getElementById('log').textContent"),
        "<img src=x onerror=alert(1)>",
      )
      assert.strictEqual(yield* page.evaluate("document.querySelectorAll('img').length"), 0)
      assert.deepStrictEqual(page.problems, [])
      for (const address of page.requests)
        if (!address.startsWith("data:")) assert.strictEqual(new URL(address).origin, origin)
      if (pictures !== undefined) yield* page.screenshot(`${pictures}/monitor.png`, { whole: true })
    }).pipe(Effect.scoped),
  )

  it.live("fits a telephone, light and dark", () =>
    Effect.gen(function* () {
      const { goto, page } = yield* openPage()
      yield* page.look({ width: 360, height: 740 })
      yield* goto
      const background = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor")
      const light = yield* background()
      assert.strictEqual(yield* page.evaluate("document.documentElement.scrollWidth"), 360)
      yield* page.look({ width: 360, height: 740, dark: true })
      yield* page.waitFor(`getComputedStyle(document.body).backgroundColor !== ${JSON.stringify(light)}`)
      assert.strictEqual(yield* page.evaluate("document.documentElement.scrollWidth"), 360)
      // Small letters have a contrast of at least 4.5 (WCAG 2.2, 1.4.3), in both.
      for (const dark of [false, true]) {
        yield* page.look({ width: 360, height: 740, dark })
        assert.isAtLeast(yield* page.evaluate<number>(LEAST_CONTRAST), 4.5, dark ? "dark" : "light")
      }
      if (pictures !== undefined) yield* page.screenshot(`${pictures}/telephone.png`, { whole: true })
    }).pipe(Effect.scoped),
  )

  it.live("by keyboard, and to a screen reader", () =>
    Effect.gen(function* () {
      const { goto, page } = yield* openPage()
      yield* page.look({ width: 1280, height: 900 })
      yield* goto
      yield* page.press("Tab")
      assert.strictEqual(yield* page.evaluate("document.activeElement.textContent"), "Skip to the figures")
      yield* page.press("Enter")
      yield* page.waitFor("document.activeElement.id === 'main'")
      // Each thing that can be reached has a name, and shows that it is reached.
      const seen: Array<string> = []
      for (let i = 0; i < 60; i++) {
        yield* page.press("Tab")
        const [name, outline] = yield* page.evaluate<[string, string]>(`(() => {
          const { activeElement: active } = document
          const labelled = active.getAttribute("aria-labelledby")
          const name = active.getAttribute("aria-label") ?? (labelled ? document.getElementById(labelled).textContent : active.labels?.[0]?.textContent ?? active.textContent)
          return [active === document.body ? "" : name, getComputedStyle(active).outlineStyle]
        })()`)
        if (name === "") break
        assert.notStrictEqual(outline, "none", name)
        seen.push(name)
      }
      assert.includeMembers(seen, ["Neighbours", "Members", "Join time line", "Log", "Figures of now: Latencies"])
      // Another topic, and back.
      const choose = (name: string) =>
        page.evaluate(`(() => {
          const select = document.getElementById("topic")
          select.value = [...select.options].find(({ text }) => text.startsWith(${JSON.stringify(name)})).value
          select.dispatchEvent(new Event("change"))
        })()`)
      yield* choose("quiet, ")
      yield* page.waitFor("document.getElementById('status').textContent === 'no neighbour: it searches'")
      yield* choose("crew, ")
      yield* page.waitFor("document.getElementById('status').textContent === 'joined'")
      // Opening the figures of a chart by keyboard.
      yield* page.evaluate("document.querySelector('#messages ~ details summary').focus()")
      yield* page.press("Enter")
      yield* page.waitFor(
        "document.querySelector('#messages ~ details').open && document.getElementById('messages-table').textContent.includes('received')",
      )
      assert.deepStrictEqual(
        yield* page.evaluate(
          "[...document.querySelectorAll('[role=img]')].filter((each) => !/: |, now: /.test(each.getAttribute('aria-label'))).map(({ id }) => id)",
        ),
        [],
      )
      // As a screen reader has it: each table and picture has a name, no two pictures the same, and one line speaks by itself.
      const tree = yield* page.accessible
      const named = (role: string) => tree.filter((node) => node.role === role).map(({ name }) => name)
      assert.includeMembers(named("table"), ["Members", "Neighbours", "What the latencies are"])
      assert.notInclude(named("table"), "")
      const pictures = named("image").concat(named("img"))
      assert.lengthOf(pictures, 7)
      assert.lengthOf(new Set(pictures), 7)
      for (const name of pictures) assert.match(name, /: |, now: /)
      assert.strictEqual(yield* page.evaluate("document.querySelectorAll('[aria-live]').length"), 1)
      assert.strictEqual(yield* page.evaluate("document.querySelectorAll('main, h1').length"), 2)
      assert.strictEqual(yield* page.evaluate("document.documentElement.lang"), "en")
    }).pipe(Effect.scoped),
  )

  it.live("says so when there is no presence, and when the node has ended", () =>
    Effect.gen(function* () {
      const { end, goto, page } = yield* openPage({ hasPresence: false })
      yield* goto
      assert.match(
        yield* page.evaluate<string>("document.getElementById('members-text').textContent"),
        /^The program has no presence/,
      )
      assert.isFalse(yield* page.evaluate("document.getElementById('changes').checkVisibility()"))
      assert.strictEqual(
        yield* page.evaluate("document.getElementById('status').parentElement.textContent"),
        "joined 1 neighbour",
      )
      yield* end
      yield* page.waitFor("document.getElementById('status').textContent === 'the node does not answer'")
      // A screen reader says the change.
      assert.strictEqual(yield* page.evaluate("document.getElementById('status').getAttribute('aria-live')"), "polite")
    }).pipe(Effect.scoped),
  )
})

/** The least contrast of text with the page's background, by the formula of WCAG 2.2. */
const LEAST_CONTRAST = `(() => {
  const canvas = document.createElement("canvas").getContext("2d")
  const channels = (colour) => { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3) }
  const luminance = (colour) => channels(colour).map((value) => value / 255).map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0)
  const back = luminance(getComputedStyle(document.body).backgroundColor)
  const texts = [...document.querySelectorAll("h1, h2, p, dt, dd, th, td, li span, li time, summary")].filter((each) => each.textContent.trim() !== "")
  return Math.min(...texts.map((each) => luminance(getComputedStyle(each).color)).map((text) => (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05)))
})()`
