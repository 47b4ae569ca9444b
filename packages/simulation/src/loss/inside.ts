/** The program inside a network namespace: measures over real packets with the options in its first argument, and prints the result as JSON. */
import { Effect } from "effect"
import { setUpNamespace } from "../sockets/setUpNamespace.ts"
import { overSockets } from "./environments.ts"

setUpNamespace()
const measured = await Effect.runPromise(overSockets(JSON.parse(process.argv[2] ?? "{}")))
process.stdout.write(JSON.stringify(measured))
