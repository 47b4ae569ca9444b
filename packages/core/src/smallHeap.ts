/**
 * A module without exports, for programs that hold hundreds of topics. Import it before all other modules, or run the program with
 * `node --import @topic-tracker/core/smallHeap`. Without it V8 lets the heap grow by some hundred megabytes if a program allocates much
 * that does not live long. It costs a few percent of CPU time, for more frequent and smaller collections. It sets V8's flags for the whole
 * process, so no other module does this. V8 reads the flags at each collection.
 */
import { setFlagsFromString } from "node:v8"

/** The young generation keeps its first size, some 2 MB instead of up to 134 (at most some 10 while the old generation is marked). */
setFlagsFromString("--semi-space-growth-factor=1")
/** The old generation is collected when it has grown by 20 percent since the last time, instead of up to four times. */
setFlagsFromString("--heap-growing-percent=20")
/** Pages with holes are compacted sooner, and fewer caches are kept. */
setFlagsFromString("--optimize-for-size")
