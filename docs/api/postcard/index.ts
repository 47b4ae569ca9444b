import { Postcard } from "@topic-tracker/postcard"
import { Result } from "effect"

const Point = Postcard.struct({ x: Postcard.i32, y: Postcard.i32 })
const bytes = Postcard.encodeSync(Point)({ x: -1, y: 2 })
console.log([...bytes].join()) // → 1,4
console.log(Result.getOrThrow(Postcard.decodeResult(Point)(bytes)).y) // → 2
