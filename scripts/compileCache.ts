/**
 * Loaded before each command: Node keeps compiled code next to the dependencies, so that the next start takes half the time. If the folder
 * cannot be written, the command starts without the cache.
 */
import { enableCompileCache } from "node:module"
import { join } from "node:path"

enableCompileCache(join(import.meta.dirname, "..", "node_modules", ".cache", "compile"))
