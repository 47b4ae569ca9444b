/** The style sheet and the script of a report. */

export const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; --line: color-mix(in srgb, currentColor 18%, transparent) }
body { margin: 0 auto; max-width: 1280px; padding: 16px }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1.1rem; margin: 0 }
header p, figure p, section p { margin: 4px 0 8px; opacity: .8; font-size: .95rem; max-width: 75ch }
main { display: grid; gap: 24px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)) }
figure { margin: 0; min-width: 0; border-top: 1px solid var(--line); padding-top: 12px }
section { grid-column: 1 / -1; min-width: 0; border-top: 1px solid var(--line); padding-top: 12px }
.chart { width: 100%; height: 320px } .chart.square { height: min(520px, 100vw) }
input[type=range] { width: 100%; margin: 4px 0 }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; white-space: nowrap }
th, td { text-align: right; padding: 4px 10px; border-bottom: 1px solid var(--line) }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: Canvas; white-space: normal; overflow-wrap: anywhere; min-width: min(34ch, 40vw) }
.failures { color: #c0392b; font-size: .9rem }
`

export const script = `
const { charts, overlay } = JSON.parse(document.getElementById("data").textContent)
const dark = matchMedia("(prefers-color-scheme: dark)")
let shown = []
const draw = () => {
  for (const chart of shown) chart.dispose()
  const theme = dark.matches ? "dark" : undefined
  const make = (id) => {
    const chart = echarts.init(document.getElementById(id), theme, { renderer: "svg" })
    shown.push(chart)
    return chart
  }
  shown = []
  for (const { id, option } of charts) make(id).setOption({ backgroundColor: "transparent", animation: false, ...option })
  if (overlay.length === 0) return
  const picture = make("overlay")
  const slider = document.getElementById("overlay-slider")
  const show = () => {
    const { option, second } = overlay[Number(slider.value)]
    document.getElementById("overlay-second").textContent = second
    picture.setOption({ backgroundColor: "transparent", animation: false, ...option }, true)
  }
  slider.oninput = show
  show()
}
draw()
dark.addEventListener("change", draw)
addEventListener("resize", () => { for (const chart of shown) chart.resize() })
`
