/** `npm run -s vectors -- DIR` */
import { runCommand } from "@topic-tracker/cli-kit/runCommand"
import { vectorsCommand } from "./vectorsCommand.ts"

runCommand(vectorsCommand)
