/**
 * Where a value of a TOML file stands, for messages about it: the parser tells of no positions once it is done. Knows tables,
 * arrays of tables and dotted keys; for a value within an inline table or array it gives the line that this starts on or, when
 * the key is named on a line of its own further down, that line.
 */

type Path = ReadonlyArray<PropertyKey>

/** The line, from 1, that says the most of the path; undefined when no line says anything of it. */
export const locate = (text: string, path: Path): number | undefined => {
  let best: { readonly line: number; readonly depth: number } | undefined
  let table: Path = []
  const counts = new Map<string, number>()
  const note = (line: number, at: Path) => {
    const depth = common(at, path)
    if (depth > 0 && depth === Math.min(at.length, path.length) && depth > (best?.depth ?? 0)) best = { line, depth }
  }
  for (const [i, line] of text.split("\n").entries()) {
    const header = /^\s*(\[\[?)\s*([^\]]+?)\s*\]/.exec(line)
    const assignment = /^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=/.exec(line)
    if (header !== null) {
      table = resolve(split(header[2]!), header[1] === "[[", counts)
      note(i + 1, table)
    } else if (assignment !== null) {
      const at = [...table, ...split(assignment[1]!)]
      note(i + 1, at)
      // Keys of inline tables on the same line.
      for (const [, key] of line.slice(assignment[0].length).matchAll(/([\w-]+)\s*=/g)) note(i + 1, [...at, key!])
    }
  }
  return best?.line
}

/**
 * The path that a header opens. Keys of arrays of tables mean their last table, as in [scenario.config] after [[scenario]];
 * a header in double brackets adds one to the last of its keys.
 */
const resolve = (keys: ReadonlyArray<string>, adds: boolean, counts: Map<string, number>): Path => {
  const path: Array<PropertyKey> = []
  for (const [i, key] of keys.entries()) {
    path.push(key)
    const name = show(path)
    if (adds && i === keys.length - 1) counts.set(name, (counts.get(name) ?? -1) + 1)
    const latest = counts.get(name)
    if (latest !== undefined) path.push(latest)
  }
  return path
}

/** The path as it would be written: `scenario[2].config.latency`. */
export const show = (path: Path): string =>
  path.map((key, i) => (typeof key === "number" ? `[${key}]` : `${i === 0 ? "" : "."}${String(key)}`)).join("")

/** The keys of a dotted one; dots within quotes are part of their key. */
const split = (dotted: string): ReadonlyArray<string> =>
  Array.from(dotted.matchAll(/"([^"]*)"|'([^']*)'|([\w-]+)/g), ([, double, single, bare]) => double ?? single ?? bare!)

/** How many keys two paths have in common from the start. */
const common = (a: Path, b: Path): number => {
  let i = 0
  while (i < a.length && i < b.length && String(a[i]) === String(b[i])) i++
  return i
}
