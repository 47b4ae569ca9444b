/** How long it takes to load what every program over Effect loads, in ms from the start of the process. */
import { Effect, Layer, Schema, Stream } from "effect"
import { print } from "./print.ts"

// Named, so that they are loaded.
print(Effect && Layer && Schema && Stream ? performance.now() : Number.NaN)
