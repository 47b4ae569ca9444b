/** Prints the time to load the modules that every Effect program loads, in ms from the start of the process. */
import { Effect, Layer, Schema, Stream } from "effect"
import { print } from "./print.ts"

// Used, so that the modules are loaded.
print(Effect && Layer && Schema && Stream ? performance.now() : Number.NaN)
