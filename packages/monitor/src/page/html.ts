/** The page without its figures, which its script fills in. It has no inline script. */

/** A chart: a picture with its figures as a table below, for those who do not see it. */
const chart = (id: string, title: string, text: string): string => `<section aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2><p>${text}</p>
<div class="chart" id="${id}" role="img" aria-label="${title}"></div>
<details><summary>Figures of the last second</summary><div class="scroll" tabindex="0" role="group" aria-label="${title}, figures"><table id="${id}-table"></table></div></details>
</section>`

const table = (id: string, title: string, text: string, columns: ReadonlyArray<string>): string =>
  `<section aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2><p>${text}</p>
<div class="scroll" tabindex="0" role="group" aria-label="${title}"><table><thead><tr>${columns
    .map((column) => `<th scope="col">${column}</th>`)
    .join("")}</tr></thead><tbody id="${id}"></tbody></table></div>
</section>`

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
<p id="status" role="status" aria-live="polite">connects…</p>
<dl id="node"></dl>
<p><label for="topic">Topic</label> <select id="topic"></select></p>
</header>
<main id="main" tabindex="-1">
${chart("overlay", "Overlay around this node", "This node in the middle, its neighbours around it, and outside the other members that records name.")}
${table("neighbors", "Neighbours", "Direct, or over a relay; the round trip is QUIC's.", ["Peer", "Path", "Address", "Round trip"])}
<section aria-labelledby="timeline-title"><h2 id="timeline-title">Join time line</h2><p id="joined">No neighbour so far.</p>
<ol id="timeline" class="lines" tabindex="0" aria-labelledby="timeline-title"></ol></section>
${table("members", "Members", "Nodes of the topic, as neighbours and the records of the last two minutes show them.", ["Node", "Seen as", "Its neighbours"])}
${chart("messages", "Messages", "Messages of the gossip protocol, a second, in all topics.")}
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
