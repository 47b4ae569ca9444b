/**
 * Loaded before each command: what Node compiles, it keeps beside the dependencies, so that the next start takes half the time. Where
 * that folder cannot be written, the command starts as it does without.
 */
import { enableCompileCache } from "node:module"
import { join } from "node:path"

enableCompileCache(join(import.meta.dirname, "..", "node_modules", ".cache", "compile"))
