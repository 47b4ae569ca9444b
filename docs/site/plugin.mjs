/**
 * What typedoc cannot know by itself: a module is named after the entry that a program imports, and shows the example of docs/api; every
 * exported name has `@since` and `@category`. The entries come from the environment, as scripts/documents/buildSite.ts gives them.
 */
import { readFileSync } from "node:fs"
import { Comment, CommentTag, Converter, ReflectionKind } from "typedoc"

const entries = JSON.parse(process.env.SITE ?? "[]")

/** The comments of a declaration: those of its signatures, if it is a function. */
const commentsOf = (reflection) =>
  reflection.signatures === undefined
    ? [reflection.comment]
    : reflection.signatures.map((signature) => signature.comment ?? reflection.comment)

/** The tags that an exported name lacks. */
const missingTags = (reflection) =>
  ["@since", "@category"].filter((tag) =>
    commentsOf(reflection).some((comment) => comment === undefined || comment.getTag(tag) === undefined),
  )

/** @param {import("typedoc").Application} app */
export const load = (app) => {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => {
    const untagged = []
    for (const module of context.project.getReflectionsByKind(ReflectionKind.Module)) {
      const id = context.project.getSymbolIdFromReflection(module)
      const entry = entries.find(({ path }) => path === `${id?.packageName}/${id?.packagePath}`)
      if (entry === undefined) continue
      module.name = entry.specifier
      const code = readFileSync(entry.example, "utf8").trimEnd()
      module.comment ??= new Comment()
      module.comment.blockTags.push(new CommentTag("@example", [{ kind: "code", text: `\`\`\`ts\n${code}\n\`\`\`` }]))
      for (const child of module.children ?? []) {
        // A namespace is a module of its own, whose names have the tags.
        if (child.isReference() || child.kind === ReflectionKind.Namespace) continue
        const missing = missingTags(child)
        if (missing.length === 0) continue
        const { packageName, packagePath, qualifiedName } = context.project.getSymbolIdFromReflection(child) ?? {}
        untagged.push({ packageName, packagePath, qualifiedName, missing })
      }
    }
    for (const { missing, packageName, packagePath, qualifiedName } of untagged.slice(0, 20)) {
      app.logger.warn(`${packageName}/${packagePath}: ${qualifiedName} has no ${missing.join(" and no ")}`)
    }
    if (untagged.length > 20) app.logger.warn(`and ${untagged.length - 20} more exported names without tags`)
  })
}
