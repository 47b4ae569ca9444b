/** A report as one self-contained HTML file: the results, their charts, and the chart library itself. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { type Chart, chartsOf } from "./charts.ts"
import { type OverlayPictures, overlayOf } from "./overlay.ts"
import { script, style } from "./page.ts"
import { type TopicSummary, topicRows } from "./topicSummary.ts"

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
      ? `all ${expected} with expectations met them`
      : `<strong>${failed} of ${expected} with expectations did not meet them</strong>`
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
<p>Mean (min to max) over the seeds. Times are simulated seconds unless the column has ms; wall s is real time.</p>
${failures.length === 0 ? "" : `<ul class="failures">${failures.join("")}</ul>`}
<div class="scroll" tabindex="0"><table><thead><tr>${cells(header!, "th")}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells(row, "td")}</tr>`).join("\n")}</tbody></table></div></section>`
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

/** In a script element only its end tag and the start of a comment are read as HTML. */
const inScript = (text: string): string => text.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--")
