/** `npm run -s doctor` */
import { runCommand } from "@topic-tracker/cli-kit/runCommand"
import { doctorCommand } from "./doctorCommand.ts"

runCommand(doctorCommand)
