/**
 * The same through nodes of newer versions, and among nodes of which half know no `get` and `put` (BEP 44). A file of its own, so that it runs
 * beside the others.
 */
import { existsSync } from "node:fs"
import { testKinds } from "../lib/dhtKinds.ts"
import * as dhts from "../lib/dhts.ts"
import { pythonPackages } from "../lib/programs.ts"

testKinds([
  { name: "mainline 8 nodes", make: dhts.mainline8, keeps: ["second"] },
  {
    name: "libtorrent 2.1 nodes",
    make: dhts.newestLibtorrent,
    keeps: ["first"],
    missing: existsSync(`${pythonPackages}/libtorrent`) ? undefined : "pip could not install libtorrent 2.1",
  },
  {
    name: "nodes of which half answer get and put with an error",
    make: dhts.halfWithoutItems("error"),
    keeps: ["second"],
    stores: 20,
  },
  {
    name: "nodes of which half are silent at get and put",
    make: dhts.halfWithoutItems("silence"),
    keeps: ["second"],
    stores: 20,
  },
])
