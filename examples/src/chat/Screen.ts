/**
 * A line of input at the bottom of the terminal and what happens above it, so that neither garbles the other. Where there is no
 * terminal, lines are read from a pipe and printed as they are.
 */
import { clearScreenDown, createInterface, cursorTo, moveCursor } from "node:readline"
import { type Cause, Effect, Queue, Stream } from "effect"
import { wrap } from "./layout.ts"

export interface Screen {
  readonly isTerminal: boolean
  /** What is typed, line by line; ends at Ctrl-C, Ctrl-D or the end of the pipe. To be run once. */
  readonly lines: Stream.Stream<string>
  /** A text behind its head, such as who said it, above the line of input. */
  readonly print: (head: string, text: string) => Effect.Effect<void>
}

/** Takes the terminal until the scope closes, which takes the line of input away. The prompt may be coloured. */
export const open = Effect.fn("Screen.open")(function* (prompt: string) {
  const { stdin: input, stdout: output } = process
  const isTerminal = input.isTTY && output.isTTY
  const lines = yield* Queue.unbounded<string, Cause.Done>()

  const readline = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const readline = isTerminal ? createInterface({ input, output, prompt }) : createInterface({ input })
      readline.on("line", (line) => {
        Queue.offerUnsafe(lines, line)
        if (isTerminal) readline.prompt()
      })
      readline.once("close", () => Queue.endUnsafe(lines))
      if (isTerminal) readline.prompt()
      return readline
    }),
    (readline) =>
      Effect.sync(() => {
        if (isTerminal) toStartOfInput()
        readline.close()
      }),
  )

  /** The input may take several rows and the cursor be on any of them. How many of them are above it. */
  const toStartOfInput = (): number => {
    const { rows } = readline.getCursorPos()
    moveCursor(output, 0, -rows)
    cursorTo(output, 0)
    clearScreenDown(output)
    return rows
  }

  const print = (head: string, text: string) =>
    Effect.sync(() => {
      if (!isTerminal) return void output.write(`${head}${text}\n`)
      const rowsAbove = toStartOfInput()
      output.write(`${wrap(head, text, output.columns)}\n`)
      // Readline believes the cursor to be where it left it, and goes up from there to write the input again.
      output.write("\n".repeat(rowsAbove))
      readline.prompt(true)
    })

  return { isTerminal, lines: Stream.fromQueue(lines), print } satisfies Screen as Screen
})
