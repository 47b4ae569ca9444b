/** The page of the gateway in a headless Chromium, with a chat in another process: they talk over a real topic. Run it with `npm run test:browser`. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import { open } from "../../scripts/browser/Chromium.ts"
import { startHere, Testnet } from "./Testnet.ts"

// Three processes, one of them a browser, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 })

/** The lines as names and texts. */
const LINES = `[...document.querySelectorAll("#lines li")].map((line) =>
  line.querySelector(".name").firstChild.data + ": " + line.querySelector(".said").textContent)`
const MEMBERS = `[...document.querySelectorAll("#members li")].map((member) => member.firstChild.data).sort().join()`

/** Types into both fields and sends, as a person does. */
const say = (name: string, text: string) => `{
  document.getElementById("name").value = ${JSON.stringify(name)}
  document.getElementById("text").value = ${JSON.stringify(text)}
  document.getElementById("send").click()
}`

layer(Testnet.layer, { excludeTestServices: true })("the page of the gateway", (it) => {
  it.effect("takes part in the topic: it sees members, speaks and hears; and the token guards it", () =>
    Effect.gen(function* () {
      const gateway = yield* startHere("gateway", ["--port", "0"])
      const address = (yield* gateway.prints(/^open http:\/\/127\.0\.0\.1:\d+\/#[0-9a-f]{32}$/)).slice("open ".length)
      const ada = yield* startHere("chat", ["--name", "ada"])
      const page = yield* open
      yield* page.goto(address)
      yield* page.waitFor(`document.getElementById("state").innerText === "connected"`)
      // The token is not left in the address bar.
      assert.notInclude(yield* page.evaluate<string>("location.href"), "#")
      yield* page.waitFor(`${MEMBERS} === "ada,gateway"`, 60_000)
      yield* ada.prints(/^\* gateway is here$/)

      const markup = "<img src=x onerror=alert(1)> from a page"
      yield* page.evaluate(say("bo", markup))
      yield* ada.prints(/^bo › <img src=x onerror=alert\(1\)> from a page$/)
      yield* ada.type("hello, page")
      yield* page.waitFor(`${LINES}.length === 2`)
      // Text of others is text: no element of it came to be.
      assert.strictEqual(yield* page.evaluate("document.images.length"), 0)
      const said = [`bo: ${markup}`, "ada: hello, page"]
      assert.deepStrictEqual(yield* page.evaluate(LINES), said)

      yield* page.look({ width: 1_200, height: 700 })
      const wide = yield* page.evaluate<boolean>("document.documentElement.scrollWidth <= innerWidth")
      yield* page.look({ width: 360, height: 640, dark: true })
      const narrow = yield* page.evaluate<boolean>("document.documentElement.scrollWidth <= innerWidth")
      assert.deepStrictEqual([wide, narrow], [true, true], "nothing is cut off")

      // A reload keeps the token, and shows what was said.
      yield* page.goto(address.replace(/#.*$/, ""))
      yield* page.waitFor(`${LINES}.length === 2`)
      assert.deepStrictEqual(yield* page.evaluate(LINES), said)
      assert.deepStrictEqual(page.problems, [])

      // Another browser without the token gets nothing.
      const stranger = yield* open
      yield* stranger.goto(address.replace(/#.*$/, `#${"0".repeat(32)}`))
      yield* stranger.waitFor(`document.getElementById("state").innerText.startsWith("no connection")`)
      assert.deepStrictEqual(yield* stranger.evaluate(LINES), [])

      yield* gateway.interrupt
      assert.strictEqual(yield* gateway.exitCode, 0, gateway.errors.join())
      yield* page.waitFor(`document.getElementById("send").disabled`)
      yield* ada.prints(/^\* gateway is gone: said goodbye$/)
    }),
  )
})
