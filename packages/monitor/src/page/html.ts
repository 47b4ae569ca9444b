/** The page without its figures, which its script fills in. It has no inline script. */

/** A chart: a picture with its figures as a table below, for those who do not see it. */
const chart = (id: string, title: string, text: string): string => `<section aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2><p>${text}</p>
<div class="chart" id="${id}" role="img" aria-label="${title}"></div>
<details><summary>Figures of now<span class="hidden">: ${title}</span></summary><div class="scroll" tabindex="0" role="group" aria-label="${title}, figures"><table><caption class="hidden">${title}, figures</caption><tbody id="${id}-table"></tbody></table></div></details>
</section>`

const table = (id: string, title: string, text: string, columns: ReadonlyArray<string>, more = ""): string =>
  `<section aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2><p id="${id}-text">${text}</p>
<div class="scroll" tabindex="0" role="group" aria-label="${title}"><table><caption class="hidden">${title}</caption><thead><tr>${columns
    .map((column) => `<th scope="col">${column}</th>`)
    .join("")}</tr></thead><tbody id="${id}"></tbody></table></div>${more}
</section>`

/** Only while the program has a presence in the topic. */
const memberChanges = `
<h3 id="changes-title">Who came and went</h3>
<ol id="changes" class="lines" tabindex="0" aria-labelledby="changes-title"></ol>`

/** The token is of characters that need no escape. */
export const html = (token: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>topic-tracker monitor</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css?token=${token}">
</head>
<body>
<a class="skip" href="#main">Skip to the figures</a>
<header>
<h1>topic-tracker monitor</h1>
<p><span id="status" role="status" aria-live="polite">connects…</span> <span id="count"></span></p>
<dl id="node"></dl>
<p><label for="topic">Topic</label> <select id="topic"></select></p>
</header>
<main id="main" tabindex="-1">
${chart("overlay", "Overlay around this node", "This node in the middle, its neighbours around it, and outside the other members that a presence or records name.")}
${table("neighbors", "Neighbours", "Direct, or over a relay; the round trip is QUIC's.", ["Peer", "Path", "Round trip", "Address"])}
<section aria-labelledby="timeline-title"><h2 id="timeline-title">Join time line</h2><p id="joined">No neighbour so far.</p>
<ol id="timeline" class="lines" tabindex="0" aria-labelledby="timeline-title"></ol></section>
${table("members", "Members", "", ["Member", "Status", "State", "Since, by its clock"], memberChanges)}
${table("seen", "Nodes that records show", "Neighbours, and the nodes that the records of the last two minutes name.", ["Node", "Seen as", "Its neighbours"])}
${chart("messages", "Messages", "Messages of the gossip protocol, a second, in all topics.")}
${chart("latencies", "Latencies", "95 % of the last 15 seconds took less, in ms. Each is measured by this node's clock alone.")}
${chart("spread", "Latencies, distribution", "The part of each kind that took so long, in the last five minutes.")}
${table("latency", "What the latencies are", "In the last five minutes, in all topics: samples, not every message.", ["From, until", "Times", "Half under", "95 % under"])}
${chart("rtt", "Round trips", "Milliseconds to each peer with a connection.")}
${chart("dht", "DHT traffic", "Datagrams sent and queries of others answered, a second.")}
<section aria-labelledby="dht-figures-title"><h2 id="dht-figures-title">DHT and slots</h2><p>Since the start.</p><dl id="dht-figures"></dl></section>
${chart("dropped", "Dropped traffic", "What this node refused or dropped, a second: noise, faults, attacks.")}
<section aria-labelledby="log-title" class="wide"><h2 id="log-title">Log</h2><p>The newest line is the first.</p>
<ol id="log" class="lines" tabindex="0" aria-labelledby="log-title"></ol></section>
</main>
<script src="/charts.js?token=${token}"></script>
<script src="/script.js?token=${token}"></script>
</body>
</html>
`
