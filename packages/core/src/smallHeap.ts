/**
 * A module without exports, for programs that hold hundreds of topics: import it before all else, or run the program with
 * `node --import @topic-tracker/core/smallHeap`. V8 otherwise lets the heap grow by a few hundred megabytes where little lives
 * long and much is allocated. It costs a few percent of processor time, spent on more frequent and smaller collections. It sets
 * V8's flags for the whole process, which is why no other module does so; they are read at each collection.
 */
import { setFlagsFromString } from "node:v8"

/** The young generation stays at its first size, some 2 MB in place of up to 134 (at most some 10 while the old one is marked). */
setFlagsFromString("--semi-space-growth-factor=1")
/** The old generation is collected when it has grown by so many percent since the last time; up to four times as large otherwise. */
setFlagsFromString("--heap-growing-percent=20")
/** Pages with holes are put together sooner, and what is only convenient to have is not kept. */
setFlagsFromString("--optimize-for-size")
