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
/** A table that did not change keeps what is selected in it. A cell is a text, or [class, text, title]. */
const rows = (id, all, empty, columns) => {
  if (isDrawn(id, all)) return
  fill(byId(id), all.length === 0 ? [emptyRow(empty, columns)] : all.map((cells) => {
    const row = element("tr")
    for (const cell of cells) row.append(typeof cell === "string" ? element("td", cell) : cellOf(cell))
    return row
  }))
}
const emptyRow = (text, columns) => {
  const row = element("tr")
  const cell = element("td", text)
  cell.colSpan = columns
  row.append(cell)
  return row
}
const cellOf = ([kind, text, title]) => {
  const cell = element("td", kind === "id" ? undefined : text, kind)
  if (kind === "id") cell.append(element("code", text))
  if (title !== undefined) cell.title = title
  return cell
}
const idCell = (id) => ["id", short(id), id]

const clockTime = (at) => new Date(at).toTimeString().slice(0, 8)
/** A member's clock may be anything: a time that is no date is shown as it is. */
const dayTime = (at) => {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? String(at) : date.getFullYear() + "-" + String(date.getMonth() + 1).padStart(2, "0") + "-" + String(date.getDate()).padStart(2, "0") + " " + clockTime(at)
}

/** Each colour has a contrast of at least 3 with its background (WCAG 2.2, 1.4.11). */
const COLORS = { light: ["#3b5bdb", "#2b8a3e", "#c2255c", "#d9480f", "#0b7285", "#862e9c", "#5c5f66", "#8a5a00"],
  dark: ["#91a7ff", "#8ce99a", "#faa2c1", "#ffc078", "#66d9e8", "#e599f7", "#ced4da", "#ffe066"] }
const colors = () => COLORS[dark.matches ? "dark" : "light"]
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
  const isEmpty = option.series.every(({ data }) => data.every((item) => (Array.isArray(item) ? item[1] : item) === null))
  const graphic = isEmpty ? [{ type: "text", left: "center", top: "middle", style: { text: "nothing so far", fill: dark.matches ? "#bbb" : "#555", fontSize: 14 } }] : []
  chartOf(id).setOption({ backgroundColor: "transparent", color: colors(), animation: false, textStyle: { fontFamily: "system-ui, sans-serif" }, graphic, ...option }, { notMerge: true })
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
  grid: { left: 8, right: 16, top: 60, bottom: 8, containLabel: true },
  legend: { top: 4, left: 8, type: "scroll", itemWidth: 16, itemGap: 8 },
  tooltip: { trigger: "axis", renderMode: "richText", valueFormatter: (value) => value === undefined || value === null ? "-" : round(value) + " " + unit },
  xAxis: { type: "time", splitNumber: 4, axisLabel: { hideOverlap: true, formatter: "{HH}:{mm}:{ss}" } },
  yAxis: { type: "value", min: 0, name: unit, nameTextStyle: { align: "left" } },
})
const lines = (id, title, unit, names, valueOf, more = {}) => {
  const last = state.samples.at(-1)
  const series = names.map((name) => ({ name, type: "line", showSymbol: false, connectNulls: false, lineStyle: { width: 2 },
    data: state.samples.map((sample) => [sample.at, valueOf(sample, name) ?? null]) }))
  const figures = names.map((name) => {
    const value = last === undefined ? undefined : valueOf(last, name)
    return [name, value === undefined ? "-" : round(value) + " " + unit]
  })
  draw(id, { ...base(unit), ...more, series }, title + ", now: " + (figures.map((figure) => figure.join(" ")).join(", ") || "nothing"), figures)
}

let state
let chosen
/** The server sends one topic whole, and of the others the names. */
const currentTopic = () => state.topics.find(({ neighbors }) => neighbors !== undefined)

/** The box of the picture, so that circles are round. */
const square = () => {
  const { clientHeight, clientWidth } = byId("overlay")
  const side = Math.max(60, Math.min(clientWidth - 110, clientHeight - 100))
  return { left: (clientWidth - side) / 2, top: 52, width: side, height: side }
}
const drawOverlay = (topic) => {
  const neighbors = topic === undefined ? [] : topic.neighbors.map(({ peer }) => peer)
  const links = topic === undefined ? [] : topic.links
  const present = (topic?.members?.first ?? []).map(({ id }) => id)
  const others = [...new Set([...present, ...links.flatMap(([publisher, peers]) => [publisher, ...peers])])]
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
    categories: [{ name: "this node" }, { name: "neighbours" }, { name: "other members", itemStyle: { color: colors()[6] } }], data: nodes, edges,
    label: { position: "bottom", fontSize: 11, color: dark.matches ? "#ddd" : "#333" } }] }
  draw("overlay", option, "Overlay: " + neighbors.length + " neighbours, " + others.length + " other members",
    [["neighbours", String(neighbors.length)], ["other members", String(others.length)], ["links", String(edges.length)]])
}

/** The kinds of latencies: a name for the charts, and what is measured. */
const KINDS = { roundTrip: ["round trip", "Round trip to a peer, as QUIC measures it, once a second"],
  echo: ["swarm and back", "A broadcast of ours, until a neighbour shows that it has it from another node"],
  secondCopy: ["second copy", "The first copy of a message, until another neighbour announces or sends it"],
  acknowledged: ["acknowledged", "A publish that asks for acknowledgements, until it has them"],
  write: ["written", "A message is queued for a peer, until the transport has taken it"] }
const millis = (ms) => ms >= 10000 ? Math.round(ms / 1000) + " s" : (ms >= 10 ? Math.round(ms) : ms >= 1 ? ms.toFixed(1) : ms.toFixed(2)) + " ms"
const drawLatencies = () => {
  const kinds = Object.keys(KINDS)
  const nameOf = (kind) => KINDS[kind][0]
  const byName = new Map(kinds.map((kind) => [nameOf(kind), kind]))
  lines("latencies", "Latencies, 95 % under", "ms", [...byName.keys()], (sample, name) => sample.latencies[byName.get(name)]?.p95,
    { yAxis: { type: "log", name: "ms", nameTextStyle: { align: "left" }, axisLabel: { formatter: String } } })
  const { latencies, latencyBoundsMs: bounds, unacknowledged } = state
  const of = (kind) => latencies[kind] ?? { count: 0, counts: [], p50: 0, p95: 0 }
  const used = [...bounds, Infinity].map((_, i) => i).filter((i) => kinds.some((kind) => of(kind).counts[i] > 0))
  const [from, to] = used.length === 0 ? [0, bounds.length] : [used[0], used.at(-1)]
  const places = [...bounds, Infinity].map((_, i) => i).slice(from, to + 1)
  const label = (i) => i < bounds.length ? "≤ " + (bounds[i] < 1000 ? bounds[i] : Math.round(bounds[i] / 1000) + " s") : "more"
  const series = kinds.map((kind) => ({ name: nameOf(kind), type: "bar", barGap: 0,
    data: places.map((i) => of(kind).count === 0 ? null : (100 * of(kind).counts[i]) / of(kind).count) }))
  const figures = kinds.map((kind) => [nameOf(kind), of(kind).count === 0 ? "none so far" : "half under " + millis(of(kind).p50) + ", 95 % under " + millis(of(kind).p95)])
  draw("spread", { ...base("%"), xAxis: { type: "category", name: "ms", nameLocation: "middle", nameGap: 24, data: places.map(label), axisLabel: { hideOverlap: true } }, series },
    "Distribution of latencies: " + figures.map((figure) => figure.join(" ")).join("; "), figures)
  rows("latency", kinds.map((kind) => [["text", KINDS[kind][1] + (kind === "acknowledged" && unacknowledged > 0 ? " (" + unacknowledged + " did not get them in time)" : ""), nameOf(kind)],
    String(of(kind).count), of(kind).count === 0 ? "-" : millis(of(kind).p50), of(kind).count === 0 ? "-" : millis(of(kind).p95)]), "", 4)
}

const drawMembers = (topic) => {
  const { members } = topic ?? {}
  byId("changes").hidden = byId("changes-title").hidden = members === undefined
  const text = members === undefined ? "The program has no presence in this topic, so only nodes that records show are known."
    : (members.count === 1 ? "1 member is here" : members.count + " members are here") + (members.suspected > 0 ? ", " + members.suspected + " of them suspected" : "")
      + (members.count > members.first.length ? "; these are the suspected and the newest " + members.first.length : "") + "."
  if (byId("members-text").textContent !== text) byId("members-text").textContent = text
  rows("members", (members?.first ?? []).map(({ id, since, state: text, suspected }) => [idCell(id),
    suspected ? ["bad", "suspected"] : id === state.endpointId ? "this node" : "here", ["text", text], dayTime(since)]), "nobody is known", 4)
  list("changes", (members?.changes ?? []).toReversed(), (line) => lineItem(line, clockTime(line.at)))
}

const lineItem = (line, time) => {
  const item = element("li")
  item.append(element("time", time), element("span", (line.level === "bad" ? "! " : "") + line.text, line.level))
  return item
}
const since = (ms) => Math.abs(ms) < 10000 ? Math.round(ms) + " ms" : ms < 600000 ? Math.round(ms / 1000) + " s"
  : ms < 36000000 ? Math.round(ms / 60000) + " min" : Math.round(ms / 3600000) + " h"
let drawn = {}
const isDrawn = (id, items) => {
  const key = JSON.stringify(items)
  if (drawn[id] === key) return true
  drawn[id] = key
  return false
}
/** A list that did not change keeps the reader's place. */
const list = (id, items, make) => {
  if (!isDrawn(id, items)) fill(byId(id), items.map(make))
}

const show = () => {
  const topic = currentTopic()
  const select = byId("topic")
  if (!isDrawn("topics", state.topics.map(({ id }) => id))) {
    fill(select, state.topics.map(({ access, id, name }) => {
      const shown = name === undefined ? short(id) : (name.length > 40 ? name.slice(0, 39) + "…" : name) + ", " + short(id)
      const option = element("option", shown + (access === "members" ? " (members only)" : " (open)"))
      option.value = id
      return option
    }))
    if (topic !== undefined) select.value = topic.id
  }
  // Not while somebody is choosing.
  if (topic !== undefined && document.activeElement !== select) select.value = topic.id
  select.parentElement.hidden = topic === undefined
  const count = topic === undefined ? 0 : topic.neighbors.length
  // A screen reader says this line when it changes, so the number of neighbours is not in it.
  const status = topic === undefined ? "no topic is open" : count === 0 ? "no neighbour: it searches" : "joined"
  if (byId("status").textContent !== status) byId("status").textContent = status
  byId("status").className = count === 0 ? "bad" : "good"
  byId("count").textContent = count === 0 ? "" : count === 1 ? "1 neighbour" : count + " neighbours"
  pairs(byId("node"), [["Node", state.endpointId], ["Addresses", state.addresses.join(", ") || "none so far"], ["Relay", state.relay ?? "none"],
    ["Runs for", since(state.now - state.startedAt)]])
  drawOverlay(topic)
  rows("neighbors", (topic?.neighbors ?? []).map(({ path, peer }) => [idCell(peer), path === undefined ? "unknown" : path.isRelayed ? "relayed" : "direct",
    path === undefined ? "-" : path.rttMs < 1 ? "under 1 ms" : Math.round(path.rttMs) + " ms", ["text", path?.remoteAddress ?? "-"]]), "none so far", 4)
  byId("joined").textContent = topic?.joinedMs === undefined ? "No neighbour so far." : "The first neighbour came after " + since(topic.joinedMs) + "."
  list("timeline", topic?.timeline ?? [], (line) => lineItem(line, since(line.at)))
  const links = new Map(topic?.links ?? [])
  const neighbors = (topic?.neighbors ?? []).map(({ peer }) => peer)
  drawMembers(topic)
  rows("seen", [...new Set([...neighbors, ...links.keys()])].map((id) => [idCell(id), id === state.endpointId ? "this node" : neighbors.includes(id) ? "neighbour" : "record",
    links.has(id) ? links.get(id).map(short).join(", ") : "-"]), "none so far", 3)
  lines("messages", "Messages", "/s", ["received", "sent"], (sample, name) => name === "sent" ? sample.messagesOut : sample.messagesIn)
  drawLatencies()
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
  list("log", state.log.toReversed(), (line) => lineItem(line, clockTime(line.at)))
  document.documentElement.dataset.ready = "true"
}

byId("topic").addEventListener("change", ({ target }) => { chosen = target.value; connect() })
dark.addEventListener("change", () => { for (const chart of charts.values()) chart.dispose(); charts = new Map(); if (state) show() })
addEventListener("resize", () => { for (const chart of charts.values()) chart.resize(); if (state) drawOverlay(currentTopic()) })
let events
let samples = []
const connect = () => {
  events?.close()
  events = new EventSource("/events?token=" + token + (chosen === undefined ? "" : "&topic=" + chosen))
  events.onopen = () => { samples = [] }
  events.onmessage = receive
  events.onerror = () => { byId("status").textContent = "the node does not answer"; byId("status").className = "bad"; byId("count").textContent = "" }
}
const receive = ({ data }) => {
  const next = JSON.parse(data)
  samples = [...samples, ...next.samples.filter(({ at }) => samples.length === 0 || at > samples.at(-1).at)].slice(-300)
  state = { ...next, samples }
  if (!document.hidden || document.documentElement.dataset.ready === undefined) show()
}
connect()
document.addEventListener("visibilitychange", () => { if (state && !document.hidden) show() })
`
