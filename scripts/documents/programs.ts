/**
 * The TypeScript blocks of all documents as files, so that a compiler, Node and vitest can take them. The folder is below the
 * workspace, where the packages resolve, and not below a node_modules, where Node runs no TypeScript.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Block, typescriptBlocks } from "./blocks.ts"

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

/** Writes the files anew. */
export const writePrograms = (): void => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const { code, file, where } of programs) writeFileSync(file, `// ${where}\n${code}\nexport {}\n`)
  const config = {
    extends: "../../../../tsconfig.base.json",
    compilerOptions: { noEmit: true, noUnusedLocals: false },
    include: ["*.ts", "../../../../packages/*/src/**/*.d.ts"],
  }
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
}
