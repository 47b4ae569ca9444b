/**
 * The script of the page. It takes the state from the server each second and draws it. Text of other nodes goes into text nodes only, never
 * into HTML; the charts' tooltips are text too.
 */
export const script = `
"use strict"
const token = new URLSearchParams(location.search).get("token")
const byId = (id) => document.getElementById(id)
const dark = matchMedia("(prefers-color-scheme: dark)")
const short = (id) => id.slice(0, 8) + "…"
const round = (value) => value >= 100 || value === 0 ? String(Math.round(value)) : value.toFixed(1)
const element = (tag, text, className) => {
  const made = document.createElement(tag)
  if (text !== undefined) made.textContent = text
  if (className) made.className = className
  return made
}
const fill = (parent, children) => parent.replaceChildren(...children)
const pairs = (list, entries) => fill(list, entries.flatMap(([name, value]) => [element("dt", name), element("dd", value)]))
const rows = (body, all, empty, columns) => fill(body, all.length === 0 ? [emptyRow(empty, columns)] : all.map((cells) => {
  const row = element("tr")
  for (const cell of cells) row.append(typeof cell === "string" ? element("td", cell) : cell)
  return row
}))
const emptyRow = (text, columns) => {
  const row = element("tr")
  const cell = element("td", text)
  cell.colSpan = columns
  row.append(cell)
  return row
}
const idCell = (id) => {
  const cell = element("td")
  const code = element("code", short(id))
  code.title = id
  cell.append(code)
  return cell
}

let charts = new Map()
const chartOf = (id) => {
  let chart = charts.get(id)
  if (chart === undefined) {
    chart = echarts.init(byId(id), dark.matches ? "dark" : undefined, { renderer: "svg" })
    charts.set(id, chart)
  }
  return chart
}
const draw = (id, option, label, figures) => {
  chartOf(id).setOption({ backgroundColor: "transparent", animation: false, textStyle: { fontFamily: "system-ui, sans-serif" }, ...option }, { notMerge: true })
  byId(id).setAttribute("aria-label", label)
  fill(byId(id + "-table"), figures.map(([name, value]) => {
    const row = element("tr")
    const head = element("th", name)
    head.scope = "row"
    row.append(head, element("td", value))
    return row
  }))
}
const base = (unit) => ({
  grid: { left: 8, right: 16, top: 48, bottom: 8, containLabel: true },
  legend: { top: 4, left: 40, type: "scroll" },
  tooltip: { trigger: "axis", renderMode: "richText", valueFormatter: (value) => value === undefined || value === null ? "-" : round(value) + " " + unit },
  xAxis: { type: "time", splitNumber: 4, axisLabel: { hideOverlap: true, formatter: "{HH}:{mm}:{ss}" } },
  yAxis: { type: "value", min: 0, name: unit, nameTextStyle: { align: "left" } },
})
const lines = (id, title, unit, names, valueOf) => {
  const last = state.samples.at(-1)
  const series = names.map((name) => ({ name, type: "line", showSymbol: false, connectNulls: false, lineStyle: { width: 2 },
    data: state.samples.map((sample) => [sample.at, valueOf(sample, name) ?? null]) }))
  const figures = names.map((name) => {
    const value = last === undefined ? undefined : valueOf(last, name)
    return [name, value === undefined ? "-" : round(value) + " " + unit]
  })
  draw(id, { ...base(unit), series }, title + ", now: " + (figures.map((figure) => figure.join(" ")).join(", ") || "nothing"), figures)
}

let state
let chosen
const currentTopic = () => state.topics.find(({ id }) => id === chosen) ?? state.topics[0]

/** The box of the picture, so that circles are round. */
const square = () => {
  const { clientHeight, clientWidth } = byId("overlay")
  const side = Math.max(60, Math.min(clientWidth - 110, clientHeight - 100))
  return { left: (clientWidth - side) / 2, top: 52, width: side, height: side }
}
const drawOverlay = (topic) => {
  const neighbors = topic === undefined ? [] : topic.neighbors.map(({ peer }) => peer)
  const links = topic === undefined ? [] : topic.links
  const others = [...new Set(links.flatMap(([publisher, peers]) => [publisher, ...peers]))]
    .filter((id) => id !== state.endpointId && !neighbors.includes(id)).slice(0, 120)
  const ring = (ids, radius, category, size) => ids.map((id, i) => {
    const angle = (i / ids.length) * 2 * Math.PI - Math.PI / 2
    return { id, name: short(id), x: radius * Math.cos(angle), y: radius * Math.sin(angle), symbolSize: size, category, label: { show: category === 1 || ids.length <= 12 } }
  })
  const nodes = [
    { id: state.endpointId, name: "this node", x: 0, y: 0, symbolSize: 26, category: 0, label: { show: true } },
    ...ring(neighbors, 100, 1, 18), ...ring(others, 190, 2, 10),
    // Two corners that nobody sees give the picture the same scale in both directions.
    ...[-1, 1].map((side) => side * (others.length === 0 ? 120 : 210)).map((at) => ({ id: "corner" + at, name: "", x: at, y: at, symbolSize: 0, label: { show: false }, tooltip: { show: false } }))]
  const shown = new Set(nodes.map(({ id }) => id))
  const edges = [...neighbors.map((peer) => ({ source: state.endpointId, target: peer, lineStyle: { width: 2.5, opacity: 0.9 } })),
    ...links.flatMap(([publisher, peers]) => peers.filter((peer) => shown.has(peer) && shown.has(publisher) && peer !== publisher)
      .map((peer) => ({ source: publisher, target: peer, lineStyle: { width: 1, opacity: 0.45 } })))]
  const option = { legend: { top: 4 }, tooltip: { renderMode: "richText" }, series: [{ type: "graph", layout: "none", ...square(),
    categories: [{ name: "this node" }, { name: "neighbours" }, { name: "other members" }], data: nodes, edges,
    label: { position: "bottom", fontSize: 11, color: dark.matches ? "#ddd" : "#333" } }] }
  draw("overlay", option, "Overlay: " + neighbors.length + " neighbours, " + others.length + " other members",
    [["neighbours", String(neighbors.length)], ["other members", String(others.length)], ["links", String(edges.length)]])
}

const lineItem = (line, time) => {
  const item = element("li")
  item.append(element("time", time), element("span", (line.level === "bad" ? "! " : "") + line.text, line.level))
  return item
}
const since = (ms) => Math.abs(ms) < 10000 ? Math.round(ms) + " ms" : Math.round(ms / 1000) + " s"
let drawn = {}
/** A list that did not change keeps the reader's place. */
const list = (id, items, make) => {
  const key = JSON.stringify(items)
  if (drawn[id] === key) return
  drawn[id] = key
  fill(byId(id), items.map(make))
}

const show = () => {
  const topic = currentTopic()
  const select = byId("topic")
  const ids = state.topics.map(({ id }) => id)
  if (drawn.topics !== ids.join()) {
    drawn.topics = ids.join()
    fill(select, state.topics.map(({ access, id }) => {
      const option = element("option", short(id) + (access === "members" ? " (members only)" : " (open)"))
      option.value = id
      return option
    }))
    if (topic !== undefined) select.value = topic.id
  }
  const count = topic === undefined ? 0 : topic.neighbors.length
  const status = topic === undefined ? "no topic is open" : count === 0 ? "no neighbour: it searches" : count === 1 ? "joined, 1 neighbour" : "joined, " + count + " neighbours"
  if (byId("status").textContent !== status) byId("status").textContent = status
  byId("status").className = count === 0 ? "bad" : "good"
  pairs(byId("node"), [["Node", state.endpointId], ["Addresses", state.addresses.join(", ") || "none so far"], ["Relay", state.relay ?? "none"],
    ["Runs for", since(state.now - state.startedAt)]])
  drawOverlay(topic)
  rows(byId("neighbors"), (topic?.neighbors ?? []).map(({ path, peer }) => [idCell(peer), path === undefined ? "unknown" : path.isRelayed ? "relayed" : "direct",
    path?.remoteAddress ?? "-", path === undefined ? "-" : path.rttMs < 1 ? "under 1 ms" : Math.round(path.rttMs) + " ms"]), "none so far", 4)
  byId("joined").textContent = topic?.joinedMs === undefined ? "No neighbour so far." : "The first neighbour came after " + since(topic.joinedMs) + "."
  list("timeline", topic?.timeline ?? [], (line) => lineItem(line, since(line.at)))
  const links = new Map(topic?.links ?? [])
  const neighbors = (topic?.neighbors ?? []).map(({ peer }) => peer)
  const members = [...new Set([...neighbors, ...links.keys()])]
  rows(byId("members"), members.map((id) => [idCell(id), id === state.endpointId ? "this node" : neighbors.includes(id) ? "neighbour" : "record",
    links.has(id) ? links.get(id).map(short).join(", ") : "-"]), "none so far", 3)
  lines("messages", "Messages", "/s", ["received", "sent"], (sample, name) => name === "sent" ? sample.messagesOut : sample.messagesIn)
  const peers = [...new Set(state.samples.slice(-60).flatMap(({ rtt }) => Object.keys(rtt)))].slice(0, 12)
  const names = new Map(peers.map((peer) => [short(peer), peer]))
  lines("rtt", "Round trips", "ms", [...names.keys()], (sample, name) => sample.rtt[names.get(name)])
  lines("dht", "DHT traffic", "/s", ["sent", "answered"], (sample, name) => name === "sent" ? sample.dhtQueries : sample.dhtServed)
  const { dht } = state
  const counters = topic?.counters ?? {}
  const figure = (value) => value === undefined ? "-" : String(value)
  pairs(byId("dht-figures"), [["DHT nodes known", figure(dht.nodes)], ["Lookups", figure(dht.lookups)], ["Gets, puts", dht.gets + ", " + dht.puts],
    ["Queries answered", figure(dht.queriesServed)], ["Items kept for others", figure(dht.itemsStored)],
    ["Slot lookups", figure(counters.lookups)], ["Items read, not opened", figure(counters.items) + ", " + figure(counters.unopened)],
    ["Records published", figure(counters.recordsPublished)], ["Thinning: rounds left out", figure(counters.runsSkipped)],
    ["Thinning: slot was full", figure(counters.recordsSkipped)], ["In the second slot", figure(counters.publishedSecond)]])
  lines("dropped", "Dropped traffic", "/s", Object.keys(state.samples.at(-1)?.dropped ?? {}), (sample, name) => sample.dropped[name])
  list("log", state.log.toReversed(), (line) => lineItem(line, new Date(line.at).toLocaleTimeString()))
  document.documentElement.dataset.ready = "true"
}

byId("topic").addEventListener("change", ({ target }) => { chosen = target.value; drawn = { topics: drawn.topics }; show() })
dark.addEventListener("change", () => { for (const chart of charts.values()) chart.dispose(); charts = new Map(); if (state) show() })
addEventListener("resize", () => { for (const chart of charts.values()) chart.resize(); if (state) drawOverlay(currentTopic()) })
const events = new EventSource("/events?token=" + token)
let samples = []
events.onopen = () => { samples = [] }
events.onmessage = ({ data }) => {
  const next = JSON.parse(data)
  samples = [...samples, ...next.samples.filter(({ at }) => samples.length === 0 || at > samples.at(-1).at)].slice(-300)
  state = { ...next, samples }
  if (!document.hidden || document.documentElement.dataset.ready === undefined) show()
}
events.onerror = () => { byId("status").textContent = "the node does not answer"; byId("status").className = "bad" }
document.addEventListener("visibilitychange", () => { if (state && !document.hidden) show() })
`
