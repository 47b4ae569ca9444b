/** The style sheet of the page: one column on a telephone, light and dark as the system has it. */
export const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; --line: color-mix(in srgb, CanvasText 18%, transparent);
  --good: light-dark(#116329, #57d37e); --bad: light-dark(#b3261e, #ff8a80); --soft: color-mix(in srgb, CanvasText 72%, Canvas) }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1280px; padding: 16px; background: Canvas; color: CanvasText }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 0 } h3 { font-size: 1rem; margin: 12px 0 0 }
p { margin: 4px 0 8px; max-width: 75ch } section > p { color: var(--soft); font-size: .95rem }
main { display: grid; gap: 24px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); margin-top: 16px }
section { min-width: 0; border-top: 1px solid var(--line); padding-top: 12px } section.wide { grid-column: 1 / -1 }
.chart { width: 100%; height: 260px } #overlay { height: min(420px, 92vw) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 0; font-variant-numeric: tabular-nums }
dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere; min-width: 0 }
.scroll { overflow: auto; max-height: 420px } table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: 6px 10px 6px 0; vertical-align: top; border-bottom: 1px solid var(--line); white-space: nowrap } th { color: var(--soft); font-weight: 600 }
td.text { white-space: normal; overflow-wrap: anywhere; min-width: 18ch }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
[hidden] { display: none }
code { font: .9em ui-monospace, monospace }
.lines { list-style: none; margin: 0; padding: 0; max-height: 300px; overflow-y: auto; font-size: .9rem }
.lines li { display: grid; grid-template-columns: 7ch 1fr; gap: 8px; padding: 2px 0; overflow-wrap: anywhere } .lines time { color: var(--soft); text-align: right; font-variant-numeric: tabular-nums }
.good { color: var(--good) } .bad { color: var(--bad) }
#log li, #changes li { grid-template-columns: 9ch 1fr }
select { font: inherit; padding: 6px; max-width: 100%; min-height: 36px } summary { cursor: pointer; padding: 6px 0; color: var(--soft); font-size: .9rem }
:focus-visible { outline: 3px solid Highlight; outline-offset: 2px }
.skip { position: absolute; left: -999px } .skip:focus { left: 16px; top: 8px; background: Canvas; padding: 8px; z-index: 1 }
`
