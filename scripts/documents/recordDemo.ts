/**
 * `npm run -s record-demo`: runs the demo in a terminal and draws what it prints as docs/demo.svg, line by line at a pace to read; whoever
 * prefers no motion sees the last picture. It needs the program `script` of util-linux for the terminal.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { mustRun } from "../consumer/run.ts"

const root = join(import.meta.dirname, "../..")

const WIDTH = 760
const LINE = 18
const LEFT = 16
const TOP = 52
/** Seconds between two lines: the demo itself is over in less than one. */
const PACE = 0.18

/** The colours of a terminal, by the number of the escape sequence. */
const COLOURS: Readonly<Record<string, string>> = {
  "2": "#8b949e",
  "31": "#ff7b72",
  "32": "#7ee787",
  "33": "#e3b341",
  "34": "#79c0ff",
  "35": "#d2a8ff",
  "36": "#56d4dd",
  "90": "#8b949e",
}

const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

/** The beginning of an escape sequence that sets colours. */
const ESCAPE = `${String.fromCharCode(27)}[`

/** A line with escape sequences as spans. */
const spansOf = (line: string): string => {
  let colour: string | undefined
  let isBold = false
  const set = (code: string): void => {
    if (code === "0" || code === "" || code === "39") colour = undefined
    if (code === "0" || code === "" || code === "22") isBold = false
    if (code === "1") isBold = true
    colour = COLOURS[code] ?? colour
  }
  return line
    .split(ESCAPE)
    .map((part, index) => {
      const [, codes, text] = (index === 0 ? undefined : /^([0-9;]*)m(.*)$/.exec(part)) ?? ["", "none", part]
      if (codes !== "none") for (const code of codes!.split(";")) set(code)
      if (text === "") return ""
      const attributes = `${colour === undefined ? "" : ` fill="${colour}"`}${isBold ? ' font-weight="bold"' : ""}`
      return `<tspan${attributes}>${escapeText(text!)}</tspan>`
    })
    .join("")
}

const drawing = (lines: ReadonlyArray<string>): string => {
  const height = TOP + lines.length * LINE + 12
  const rows = lines.map((line, index) => {
    const delay = (index * PACE).toFixed(2)
    return `<text class="l" style="animation-delay:${delay}s" x="${LEFT}" y="${TOP + index * LINE}" xml:space="preserve">${spansOf(line)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img" aria-label="A terminal in which npm run demo shows three nodes that find each other">
<style>
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #e6edf3 }
.l { animation: show 0.2s both }
@keyframes show { from { opacity: 0 } to { opacity: 1 } }
@media (prefers-reduced-motion: reduce) { .l { animation: none } }
</style>
<rect width="${WIDTH}" height="${height}" rx="8" fill="#0d1117"/>
<circle cx="20" cy="20" r="6" fill="#ff5f57"/><circle cx="40" cy="20" r="6" fill="#febc2e"/><circle cx="60" cy="20" r="6" fill="#28c840"/>
${rows.join("\n")}
</svg>
`
}

const demo = [process.execPath, "--conditions=@topic-tracker/source", join(root, "packages/cli/src/demo.ts")].join(" ")
const output = await mustRun("script", ["-qec", demo, "/dev/null"], {
  folder: root,
  env: { NO_COLOR: "", FORCE_COLOR: "1", TERM: "xterm-256color", COLUMNS: "90" },
})
const lines = ["$ npm run demo", "", ...output.replaceAll("\r", "").trimEnd().split("\n")]
writeFileSync(join(root, "docs/demo.svg"), drawing(lines))
console.log(`docs/demo.svg: ${lines.length} lines`)
