/** `npm run -s hostile` */
import { runCommand } from "@topic-tracker/cli-kit"
import { enterNamespace } from "./harness/namespace.ts"
import { hostileCommand } from "./hostileCommand.ts"

if (!process.argv.includes("--help")) await enterNamespace()
runCommand(hostileCommand)
