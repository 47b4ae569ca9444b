/**
 * Loaded before each command of this repository. Plain JavaScript, so that a Node that cannot run TypeScript gets as far as the message
 * here. Node keeps compiled code next to the dependencies, so that the next start takes half the time; if the folder cannot be
 * written, the command starts without the cache.
 */
import * as module from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

if (!process.features.typescript) {
  console.error(
    `Node ${process.versions.node} at ${process.execPath} does not run TypeScript as this repository needs it (Node 22.18 or newer does). ` +
      "npm ci installs such a Node next to the other dependencies, by an install script: run `npm rebuild node` if npm ran without scripts.",
  )
  process.exit(1)
}

module.enableCompileCache?.(join(fileURLToPath(new URL("..", import.meta.url)), "node_modules", ".cache", "compile"))
