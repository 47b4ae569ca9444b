/**
 * The Chrome DevTools protocol over one WebSocket: commands with their answers, and events. It knows no browser process and no page.
 * Protocol: the public documentation of the Chrome DevTools Protocol, version 1.3.
 */

/** An event of a session, or of the browser if the session is undefined. */
export interface DevToolsEvent {
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
  readonly sessionId?: string
}

interface Waiting {
  readonly resolve: (result: Readonly<Record<string, unknown>>) => void
  readonly reject: (error: Error) => void
}

/** A connection to a browser. */
export class DevTools {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, Waiting>()
  readonly #listeners = new Set<(event: DevToolsEvent) => void>()
  #lastId = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(String(data))))
    socket.addEventListener("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the browser closed the connection"))
      this.#waiting.clear()
    })
  }

  /** Connects to the address that the browser prints at its start. */
  static readonly connect = (address: string): Promise<DevTools> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(address)
      socket.addEventListener("open", () => resolve(new DevTools(socket)), { once: true })
      socket.addEventListener("error", () => reject(new Error(`no connection to ${address}`)), { once: true })
    })

  /** Sends a command and waits for its result; rejects with the browser's words. */
  readonly send = (
    method: string,
    params: Readonly<Record<string, unknown>> = {},
    sessionId?: string,
  ): Promise<Readonly<Record<string, unknown>>> =>
    new Promise((resolve, reject) => {
      const id = ++this.#lastId
      this.#waiting.set(id, { resolve, reject: (error) => reject(new Error(`${method}: ${error.message}`)) })
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }))
    })

  /** Calls the listener for each event, until the returned function is called. */
  readonly listen = (listener: (event: DevToolsEvent) => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly close = (): void => this.#socket.close()

  #receive(
    message: DevToolsEvent & { id?: number; result?: Record<string, unknown>; error?: { message: string } },
  ): void {
    if (message.id === undefined) {
      for (const listener of this.#listeners) listener(message)
      return
    }
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if (message.error === undefined) waiting?.resolve(message.result ?? {})
    else waiting?.reject(new Error(message.error.message))
  }
}
