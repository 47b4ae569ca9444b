/**
 * Finds the line of a key in a TOML text, for error messages: the parser's result has no positions. It knows tables, arrays of
 * tables and dotted keys. For a key in an inline table it returns the line on which that table starts, or a later line that
 * names the key.
 */

type Path = ReadonlyArray<PropertyKey>

/** The line (from 1) that matches most keys of the path; undefined if no line matches the first key. */
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
 * The path that a table header opens. A key of an array of tables means the array's last table, as in [scenario.config] after
 * [[scenario]]. A header in double brackets (`addsTable`) appends a table to the array of its last key.
 */
const resolve = (keys: ReadonlyArray<string>, addsTable: boolean, counts: Map<string, number>): Path => {
  const path: Array<PropertyKey> = []
  for (const [i, key] of keys.entries()) {
    path.push(key)
    const name = formatPath(path)
    if (addsTable && i === keys.length - 1) counts.set(name, (counts.get(name) ?? -1) + 1)
    const latest = counts.get(name)
    if (latest !== undefined) path.push(latest)
  }
  return path
}

/** The path as text: `scenario[2].config.latency`. */
export const formatPath = (path: Path): string =>
  path.map((key, i) => (typeof key === "number" ? `[${key}]` : `${i === 0 ? "" : "."}${String(key)}`)).join("")

/** The keys of a dotted key. A dot within quotes belongs to its key. */
const split = (dotted: string): ReadonlyArray<string> =>
  Array.from(dotted.matchAll(/"([^"]*)"|'([^']*)'|([\w-]+)/g), ([, double, single, bare]) => double ?? single ?? bare!)

/** The number of keys that two paths share from the start. */
const common = (a: Path, b: Path): number => {
  let i = 0
  while (i < a.length && i < b.length && String(a[i]) === String(b[i])) i++
  return i
}
