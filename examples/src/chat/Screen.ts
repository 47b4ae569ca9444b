/**
 * An input line at the bottom of the terminal with output above it. The input line scrolls sideways and never takes more than one
 * row. Without a terminal, lines are read from a pipe and printed unchanged.
 */
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import { Console, Effect, Stdio, Stream, type Terminal } from "effect"
import * as LineEditor from "./LineEditor.ts"
import { width, wrap } from "./layout.ts"

/** The terminal or the pipe of the chat. */
export interface Screen {
  readonly isTerminal: boolean
  /** The entered lines. Ends at Ctrl-C, at Ctrl-D in an empty line, or at the end of the pipe. Run it once. */
  readonly lines: Stream.Stream<string>
  /** Prints a text after its head, for example the name of its author, above the input line. */
  readonly print: (head: string, text: string) => Effect.Effect<void>
}

/** Uses the terminal until the scope closes. The prompt may have colours; it is also the head of entered lines. */
export const open = Effect.fn("Screen.open")(function* (prompt: string) {
  const stdio = yield* Stdio.Stdio
  const isTerminal = (yield* stdio.stdinIsTerminal) && (yield* stdio.stdoutIsTerminal)
  return isTerminal ? yield* openTerminal(prompt) : pipe
})

const pipe: Screen = {
  isTerminal: false,
  lines: NodeStream.fromReadable<Uint8Array>({
    evaluate: () => process.stdin,
    // An open pipe would keep the process alive.
    closeOnDone: true,
  }).pipe(Stream.decodeText(), Stream.splitLines, Stream.orDie),
  print: (head, text) => Console.log(`${head}${text}`),
}

/** Moves to the first column and clears the row. */
const CLEAR = "\r\u001b[K"

const isCtrl = ({ key }: Terminal.UserInput, name: string) => key.ctrl && key.name === name

const openTerminal = Effect.fnUntraced(function* (prompt: string) {
  const terminal = yield* NodeTerminal.make((input) => isCtrl(input, "c"))
  const columns = () => process.stdout.columns
  let line = LineEditor.empty

  /** One write per call: the output of concurrent fibers is not mixed. */
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
