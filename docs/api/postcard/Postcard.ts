import * as Postcard from "@topic-tracker/postcard/Postcard"
import { Schema } from "effect"

// The codec as a Schema that encodes to bytes, for content of records.
const Names = Postcard.toSchema(Postcard.seq(Postcard.string))
console.log(Schema.encodeSync(Names)(["ada", "bo"]).length) // → 8
