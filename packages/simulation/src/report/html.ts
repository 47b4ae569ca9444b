/** A report as one HTML file that needs nothing else: the results, their charts, and the charting library itself. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { type TopicSummary, topicRows } from "../topics/topicSummary.ts"
import { type Chart, chartsOf } from "./charts.ts"
import { type OverlayPictures, overlayOf } from "./overlay.ts"
import { script, style } from "./page.ts"

export const reportHtml = (summaries: ReadonlyArray<TopicSummary>): string => {
  const charts = chartsOf(summaries)
  const overlay = overlayOf(summaries)
  const failed = summaries.filter(({ unmet }) => unmet.length > 0).length
  const expected = summaries.filter(({ expect }) => Object.keys(expect).length > 0).length
  const library = readFileSync(createRequire(import.meta.url).resolve("echarts/dist/echarts.min.js"), "utf8")
  const data = { charts: charts.map(({ id, option }) => ({ id, option })), overlay: overlay?.pictures ?? [] }
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Simulated topics</title>
<style>${style}</style>
<header>
<h1>Simulated topics</h1>
<p>${summaries.length} scenarios, ${summaries.reduce((sum, { runs }) => sum + runs.length, 0)} runs; ${
    failed === 0
      ? `all ${expected} that say what they expect came out so`
      : `<strong>${failed} of ${expected} that say what they expect did not come out so</strong>`
  }.</p>
</header>
<main>
${charts.map(figure).join("\n")}
${overlay === undefined ? "" : overlayFigure(overlay)}
${resultTable(summaries)}
</main>
<script>${inScript(library)}</script>
<script type="application/json" id="data">${inScript(JSON.stringify(data))}</script>
<script>${script}</script>
</html>
`
}

const figure = ({ id, text, title }: Chart): string =>
  `<figure><h2>${escaped(title)}</h2><p>${escaped(text)}</p><div class="chart" id="${id}" role="img" aria-label="${escaped(title)}"></div></figure>`

const overlayFigure = ({ name, pictures, seed }: OverlayPictures): string =>
  `<figure><h2>The overlay over time</h2>
<p>${escaped(name)}, seed ${seed}: nodes and their neighbours at <output id="overlay-second">${pictures.at(-1)?.second}</output> simulated seconds.</p>
<input id="overlay-slider" type="range" min="0" max="${pictures.length - 1}" value="${pictures.length - 1}" aria-label="Moment">
<div class="chart square" id="overlay" role="img" aria-label="The overlay at the chosen moment"></div></figure>`

const resultTable = (summaries: ReadonlyArray<TopicSummary>): string => {
  const [header, ...rows] = topicRows(summaries)
  const cells = (row: ReadonlyArray<string>, tag: string) =>
    row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("")
  const failures = summaries.flatMap(({ name, unmet }) =>
    unmet.map(({ message, seed }) => `<li>${escaped(`${name}, seed ${seed}: ${message}`)}</li>`),
  )
  return `<section><h2>All figures</h2>
<p>Mean (least to most) over the seeds. Times in simulated seconds, unless it says ms; wall s is what the computer took.</p>
${failures.length === 0 ? "" : `<ul class="failures">${failures.join("")}</ul>`}
<div class="scroll" tabindex="0"><table><thead><tr>${cells(header!, "th")}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells(row, "td")}</tr>`).join("\n")}</tbody></table></div></section>`
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

/** Within a script element only its end tag, and what opens a comment, would be read as HTML. */
const inScript = (text: string): string => text.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--")
