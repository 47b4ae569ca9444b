/**
 * The TypeScript blocks of all documents as files, so that a compiler, Node and vitest can take them. The folder is below the
 * workspace, where the packages resolve, and not below a node_modules, where Node runs no TypeScript.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Block, commentExamples, typescriptBlocks } from "./blocks.ts"

/** A block and the file that it is written to. */
export interface Program extends Block {
  readonly file: string
  /** Whether it is a test, which vitest runs. */
  readonly isTest: boolean
}

/** The folder of the files, with a tsconfig.json. */
export const folder = join(import.meta.dirname, "dist", "blocks")

export const programs: ReadonlyArray<Program> = typescriptBlocks(join(import.meta.dirname, "../..")).map(
  (block, index) => {
    const isTest = /from "@effect\/vitest"/.test(block.code)
    return { ...block, isTest, file: join(folder, `block-${index}${isTest ? ".test" : ""}.ts`) }
  },
)

/** The names that examples in comments take for granted. The examples are compiled inside of a generator, and not run. */
const SURROUNDINGS = `
import { RemotePeer, PeerReactivity, PeerRpc, Peers } from "@topic-tracker/peers"
import { Topic, TopicConfig, TopicTracker, TrackerMetrics } from "@topic-tracker/core"
import { Dht, FolderStore } from "@topic-tracker/dht"
import { Monitor } from "@topic-tracker/monitor"
import { Presence } from "@topic-tracker/presence"
import { Share } from "@topic-tracker/share"
import { type Program, simulate } from "@topic-tracker/simulation"
import { Console, Effect, Layer, Redacted, Schema, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { Rpc, RpcGroup } from "effect/rpc"

declare const topic: Topic.Topic
declare const peer: Parameters<typeof PeerRpc.layerClientProtocol>[0]
declare const bot: Program<void, never>
declare const useQueries: Effect.Effect<void, never, Reactivity.Reactivity>
class Names extends RpcGroup.make(Rpc.make("Name", { success: Schema.String })) {}
`

/** Writes the files anew. */
export const writePrograms = (): void => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const { code, file, where } of programs) writeFileSync(file, `// ${where}\n${code}\nexport {}\n`)
  const examples = commentExamples(join(import.meta.dirname, "../..")).map(
    ({ code, where }) => `// ${where}\nexport const example = Effect.gen(function* () {\n${code}\n})\n`,
  )
  for (const [index, example] of examples.entries()) {
    writeFileSync(join(folder, `example-${index}.ts`), `${example.split("\n")[0]}${SURROUNDINGS}\n${example}`)
  }
  const config = {
    extends: "../../../../tsconfig.base.json",
    compilerOptions: { noEmit: true, noUnusedLocals: false },
    include: ["*.ts", "../../../../packages/*/src/**/*.d.ts"],
  }
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
}
