/** Carries bytes and time between a door machine and a two-way stream. */
import type { Timer, Timers } from "@topic-tracker/common"
import type { BiStream } from "../transport/Transport.ts"
import type { DoorOutput, DoorTopic } from "./Door.ts"

/**
 * A door machine of either side.
 *
 * @since 0.1.0
 * @category models
 */
export interface DoorDriver {
  readonly deadline: number | undefined
  readonly start?: () => ReadonlyArray<DoorOutput>
  readonly receive: (bytes: Uint8Array, now: number) => ReadonlyArray<DoorOutput>
  readonly answer?: (allowed: "admit" | "not allowed" | "busy") => ReadonlyArray<DoorOutput>
  readonly timeUp: (now: number) => ReadonlyArray<DoorOutput>
}

/**
 * What the caller of {@link runDoor} does.
 *
 * @since 0.1.0
 * @category models
 */
export interface DoorHandlers {
  /** Whether the peer may enter; `answer` may be called at once or later. */
  readonly ask: (topic: DoorTopic, answer: (allowed: "admit" | "not allowed" | "busy") => void) => void
  /** The last output: `Proven` or `Failed`. After `Proven` the stream has taken all bytes of the door, and takes others. */
  readonly ended: (output: Extract<DoorOutput, { readonly _tag: "Proven" | "Failed" }>) => void
}

/**
 * Runs the machine to its end. Nothing is read after its last message.
 *
 * @since 0.1.0
 * @category operations
 */
export const runDoor = (stream: BiStream, machine: DoorDriver, timers: Timers, handlers: DoorHandlers): void => {
  let timer: Timer | undefined
  let isOver = false
  let isWriting = false
  const unwritten: Array<Uint8Array> = []
  let end: Parameters<DoorHandlers["ended"]>[0] | undefined

  /**
   * One write after the other, and the end after them: with the binding a second write can overtake the first. A repair message that came before
   * our proof would look to the peer like a refusal.
   */
  const write = (): void => {
    const bytes = isWriting ? undefined : unwritten.shift()
    if (bytes !== undefined) {
      isWriting = true
      stream.send.write(bytes, () => {
        isWriting = false
        write()
      })
    }
    if (end === undefined || unwritten.length > 0 || (isWriting && end._tag === "Proven")) return
    const output = end
    end = undefined
    handlers.ended(output)
  }

  const handle = (outputs: ReadonlyArray<DoorOutput>): void => {
    for (const output of outputs) {
      if (output._tag === "Send") unwritten.push(output.bytes)
      else if (output._tag === "AskAllow")
        handlers.ask(output.topic, (allowed) => handle(machine.answer?.(allowed) ?? []))
      else if (!isOver) {
        isOver = true
        if (timer !== undefined) timers.cancel(timer)
        end = output
      }
    }
    write()
    if (!isOver) watch()
  }

  /** The deadline moves while `allow` is asked. */
  const watch = (): void => {
    if (timer !== undefined) timers.cancel(timer)
    const at = machine.deadline
    if (at !== undefined)
      timer = timers.schedule(Math.max(0, at - timers.now()), () => handle(machine.timeUp(timers.now())))
  }

  const read = (): void => {
    if (isOver) return
    stream.receive.read((bytes) => {
      if (isOver) return
      if (bytes === undefined) {
        isOver = true
        if (timer !== undefined) timers.cancel(timer)
        end = { _tag: "Failed", reason: "malformed", byPeer: true }
        write()
        return
      }
      handle(machine.receive(bytes, timers.now()))
      // A new turn: `read` may call back within the call.
      timers.runSoon(read)
    })
  }

  handle(machine.start?.() ?? [])
  read()
}
