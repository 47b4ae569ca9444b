/** `npm run -s bench` */
import { runCommand } from "@topic-tracker/cli-kit"
import { benchCommand } from "./benchCommand.ts"

runCommand(benchCommand)
