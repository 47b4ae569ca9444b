/** One line for each subcommand of `topic-tracker`, in the order of its help. They are here alone, so that the help loads no command. */
export const summaries = {
  demo: "Three nodes meet on this host and talk",
  chat: "Chat with the members of a topic",
  node: "One node in a topic, which prints what it hears",
  invite: "Print an invitation to a topic",
  call: "Call members of a topic, and print their answers",
  "send-file": "Share a file with the members of a topic",
  "receive-file": "Fetch a file by its hash, and go on where it was stopped",
  testnet: "A DHT of real nodes on this host",
  monitor: "A node with a live page on this host",
  doctor: "Say what stands in the way, and what to do",
  vectors: "Check the library against test vectors",
  sim: "Run simulated swarms, and report their figures",
} as const

export type CommandName = keyof typeof summaries

export const commandNames = Object.keys(summaries) as ReadonlyArray<CommandName>

/** The subcommand that the arguments name: the first word that is one. Words before it are options of all commands. */
export const commandOf = (args: ReadonlyArray<string>): CommandName | undefined =>
  args.find((word): word is CommandName => Object.hasOwn(summaries, word))

/** The subcommands that run until a signal ends them, which is success. */
export const runsUntilSignal = (name: CommandName): boolean =>
  ["chat", "node", "send-file", "testnet", "monitor"].includes(name)
