/** The tree of commands below `topic-tracker`: the wanted subcommand whole, each other one as its name and its line in the help. */
import { withExamples } from "@topic-tracker/cli-kit/examples"
import { runCommand } from "@topic-tracker/cli-kit/runCommand"
import { Command } from "effect/cli"
import { loaders } from "./loaders.ts"
import { type CommandName, commandNames, runsUntilSignal, summaries } from "./summaries.ts"

const GUIDE =
  "Nodes that share only a name and a secret find each other through the mainline DHT, and talk over gossip. " +
  "The secret comes from --secret-file, from TOPIC_TRACKER_SECRET, or is asked for at a terminal. " +
  "Options of the library: variables TOPIC_TRACKER_…, or the JSON file that TOPIC_TRACKER_CONFIG names. " +
  "Exit codes: 0 success, 1 failure, 2 wrong arguments, 130 interrupted."

const stub = (name: CommandName) => Command.make(name).pipe(Command.withDescription(summaries[name]))

/** Runs the program with the process's arguments. `wanted`: the subcommand that they name. `whole`: all subcommands are needed. */
export const runTopicTracker = async (wanted: CommandName | undefined, whole: boolean): Promise<void> => {
  const subcommands = await Promise.all(
    commandNames.map(async (name) => (whole || name === wanted ? await loaders[name]() : stub(name))),
  )
  const root = Command.make("topic-tracker").pipe(
    Command.withDescription(GUIDE),
    withExamples(
      ["demo", "See it work, without the internet"],
      ["chat --topic lobby --secret-file secret.txt", "Chat with all that have the secret"],
      ["node --help", "What one command can do"],
    ),
    Command.withSubcommands(subcommands),
  )
  runCommand(root, {
    installed: true,
    ...(wanted !== undefined && runsUntilSignal(wanted) ? { whenInterrupted: 0 } : {}),
  })
}
