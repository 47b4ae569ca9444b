/** Each language reads the records and items of the other through DHT nodes of every kind. */
import { testKinds } from "../lib/dhtKinds.ts"
import * as dhts from "../lib/dhts.ts"

testKinds([
  { name: "mainline 7 nodes", make: dhts.mainline, keeps: ["second"] },
  { name: "libtorrent 2.0 nodes", make: dhts.libtorrent, keeps: ["first"] },
  { name: "our nodes that overwrite", make: dhts.ours, keeps: ["second"] },
  { name: "our nodes that keep the first", make: dhts.oursKeepingFirst, keeps: ["first"] },
  { name: "nodes of all three", make: dhts.mixed, keeps: ["first", "second"] },
])
