/** `npm run -s soak` */
import { runCommand } from "@topic-tracker/cli-kit"
import { enterNamespace } from "./harness/namespace.ts"
import { soakCommand } from "./soakCommand.ts"

if (!process.argv.includes("--help")) await enterNamespace()
runCommand(soakCommand)
