/**
 * A line of input at the bottom of the terminal and what happens above it, so that neither garbles the other: the line scrolls
 * sideways and never takes more than one row. Where there is no terminal, lines are read from a pipe and printed as they are.
 */
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import { Console, Effect, Stdio, Stream, type Terminal } from "effect"
import * as LineEditor from "./LineEditor.ts"
import { width, wrap } from "./layout.ts"

export interface Screen {
  readonly isTerminal: boolean
  /** What is entered, line by line; ends at Ctrl-C, at Ctrl-D in an empty line, or at the end of the pipe. To be run once. */
  readonly lines: Stream.Stream<string>
  /** A text behind its head, such as who said it, above the line of input. */
  readonly print: (head: string, text: string) => Effect.Effect<void>
}

/** Takes the terminal until the scope closes. The prompt may be coloured; it is also the head of what was entered. */
export const open = Effect.fn("Screen.open")(function* (prompt: string) {
  const stdio = yield* Stdio.Stdio
  const isTerminal = (yield* stdio.stdinIsTerminal) && (yield* stdio.stdoutIsTerminal)
  return isTerminal ? yield* openTerminal(prompt) : pipe
})

const pipe: Screen = {
  isTerminal: false,
  lines: NodeStream.fromReadable<Uint8Array>({
    evaluate: () => process.stdin,
    // A pipe that is left open would keep the process from ending.
    closeOnDone: true,
  }).pipe(Stream.decodeText(), Stream.splitLines, Stream.orDie),
  print: (head, text) => Console.log(`${head}${text}`),
}

/** Back to the first column, and all to the right gone. */
const CLEAR = "\r\u001b[K"

const isCtrl = ({ key }: Terminal.UserInput, name: string) => key.ctrl && key.name === name

const openTerminal = Effect.fnUntraced(function* (prompt: string) {
  const terminal = yield* NodeTerminal.make((input) => isCtrl(input, "c"))
  const columns = () => process.stdout.columns
  let line = LineEditor.empty

  /** One write each: fibers that print at the same time do not get between each other. */
  const display = (text: () => string) => Effect.orDie(Effect.suspend(() => terminal.display(text())))
  const inputLine = () => {
    const { shown, cursor } = LineEditor.view(line, columns() - width(prompt))
    return `${CLEAR}${prompt}${shown}\r\u001b[${width(prompt) + cursor}C`
  }
  const print = (head: string, text: string) => display(() => `${CLEAR}${wrap(head, text, columns())}\n${inputLine()}`)

  const press = Effect.fnUntraced(function* (input: Terminal.UserInput) {
    if (input.key.name !== "return" && input.key.name !== "enter") {
      line = LineEditor.press(line, input)
      yield* display(inputLine)
      return []
    }
    const text = LineEditor.text(line)
    line = LineEditor.entered(line)
    yield* text === "" ? Effect.void : print(prompt, text)
    return [text]
  })

  const keys = yield* terminal.readInput
  yield* Effect.addFinalizer(() => display(() => CLEAR))
  yield* display(inputLine)
  yield* Stream.fromQueue(yield* terminal.size).pipe(
    Stream.runForEach(() => display(inputLine)),
    Effect.forkScoped,
  )
  return {
    isTerminal: true,
    lines: Stream.fromQueue(keys).pipe(
      Stream.takeWhile((input) => !isCtrl(input, "c") && !(isCtrl(input, "d") && LineEditor.text(line) === "")),
      Stream.mapEffect(press),
      Stream.flattenIterable,
    ),
    print,
  } satisfies Screen as Screen
})
