/**
 * The option `--completions`, as effect/cli has it but for one mistake of effect 4.1.0: its script for zsh completes every second time only.
 * When zsh has loaded it from its folder of functions, the second call takes the script for one that is being sourced.
 */
import { Console, Effect, Option } from "effect"
import { Completions, GlobalFlag } from "effect/cli"

/** True in zsh only while it loads the function, which is the first call. */
const WHILE_LOADED = `"\${zsh_eval_context[-1]}" == "loadautofunc"`

/** True whenever the file's function is called: it is named after the file. */
const whenCalled = (name: string): string => `"\${funcstack[1]}" == "_${name}"`

/** The script of the command for a shell. */
const scriptOf = (name: string, shell: Completions.Shell, descriptor: Completions.CommandDescriptor): string => {
  const script = Completions.generate(name, shell, descriptor)
  return shell === "zsh" ? script.replace(WHILE_LOADED, whenCalled(name)) : script
}

export const completions = GlobalFlag.Action({
  flag: GlobalFlag.Completions.flag,
  run: Effect.fnUntraced(function* (shell, { command }) {
    if (Option.isNone(shell)) return
    yield* Console.log(scriptOf(command.name, shell.value, Completions.fromCommand(command)))
  }),
})
