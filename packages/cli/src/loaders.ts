/** The module of each subcommand, loaded when the subcommand is wanted. The npm scripts of the workspace run the same commands. */
import type { CommandName } from "./summaries.ts"

export const loaders = {
  demo: async () => (await import("./demoCommand.ts")).demoCommand,
  chat: async () => (await import("@topic-tracker/examples/chat")).chatCommand,
  node: async () => (await import("./nodeCommand.ts")).nodeCommand,
  invite: async () => (await import("./inviteCommand.ts")).inviteCommand,
  call: async () => (await import("./callCommand.ts")).callCommand,
  "send-file": async () => (await import("./sendFileCommand.ts")).sendFileCommand,
  "receive-file": async () => (await import("./receiveFileCommand.ts")).receiveFileCommand,
  testnet: async () => (await import("./testnetCommand.ts")).testnetCommand,
  monitor: async () => (await import("./monitorCommand.ts")).monitorCommand,
  doctor: async () => (await import("./doctorCommand.ts")).doctorCommand,
  vectors: async () => (await import("./vectorsCommand.ts")).vectorsCommand,
  sim: async () => (await import("@topic-tracker/simulation/command")).simCommand,
} satisfies Record<CommandName, () => Promise<unknown>>
