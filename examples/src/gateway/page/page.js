/**
 * The page of the gateway: shows the room, and sends lines through the gateway, which is a member of the topic. It reaches nothing but the gateway. All
 * that comes from others is set as text, never as HTML.
 */
const byId = (id) => document.getElementById(id)

// The address has the token behind "#". It is kept for a reload, and taken out of the address bar, where others could read it.
const given = location.hash.slice(1)
if (given !== "") {
  sessionStorage.setItem("token", given)
  history.replaceState(null, "", "/")
}
const token = given || sessionStorage.getItem("token") || ""

const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 10_000
const MAX_LINES = 500

let socket
let retryMs = FIRST_RETRY_MS
let gateway = ""

const element = (tag, className, text) => {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}

/** The same colour for the same member on each page. */
const hueOf = (id) => `hue-${Number.parseInt(id.slice(0, 2), 16) % 6}`

const addLine = (...parts) => {
  const lines = byId("lines")
  const isAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40
  const line = document.createElement("li")
  line.append(...parts)
  lines.append(line)
  while (lines.childElementCount > MAX_LINES) lines.firstElementChild.remove()
  if (isAtEnd) lines.scrollTop = lines.scrollHeight
}

const show = {
  Welcome: (message) => {
    gateway = message.gateway
    byId("topic").textContent = message.topic
    byId("lines").replaceChildren()
  },
  Members: ({ members }) => {
    byId("count").textContent = members.length
    byId("members").replaceChildren(
      ...members.map(({ id, name }) => {
        const member = element("li", hueOf(id), name)
        member.append(element("span", "id", id === gateway ? "you speak through it" : id.slice(0, 8)))
        return member
      }),
    )
  },
  Said: ({ author, name, text }) => {
    const label = element("span", `name ${hueOf(author)}`, name)
    if (author === gateway) label.append(element("span", "via", " via the gateway"))
    addLine(label, element("span", "said", text))
  },
  Notice: ({ text }) => addLine(element("span", "notice", text)),
}

const setState = (text, isOpen) => {
  byId("state").textContent = text
  byId("state").className = isOpen ? "open" : ""
  byId("send").disabled = !isOpen
}

const connect = () => {
  if (token === "") return setState("no token: open the address that the gateway printed", false)
  let wasOpen = false
  socket = new WebSocket(`ws://${location.host}/socket`, ["topic-tracker", `token.${token}`])
  socket.onopen = () => {
    wasOpen = true
    retryMs = FIRST_RETRY_MS
    setState("connected", true)
  }
  socket.onmessage = ({ data }) => {
    for (const message of JSON.parse(data)) show[message._tag]?.(message)
    socket.send(JSON.stringify({ _tag: "Read" }))
  }
  socket.onclose = () => {
    setState(wasOpen ? "the gateway is gone; trying again…" : "no connection to the gateway; trying again…", false)
    setTimeout(connect, retryMs)
    retryMs = Math.min(2 * retryMs, MAX_RETRY_MS)
  }
}

byId("name").value = localStorage.getItem("name") ?? ""
byId("form").onsubmit = (event) => {
  event.preventDefault()
  const name = byId("name").value.trim()
  const text = byId("text").value
  if (socket?.readyState !== WebSocket.OPEN || name === "" || text.trim() === "") return
  localStorage.setItem("name", name)
  socket.send(JSON.stringify({ _tag: "Say", name, text }))
  byId("text").value = ""
}

connect()
