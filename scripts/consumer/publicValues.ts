/**
 * Writes a TypeScript module that exports every public value of the packages again without a type annotation: each value, what each
 * function returns, and each static member of a class. The compiler then has to name every type in every public signature.
 */

/** The module's text, from the values that the entry points have at run time. */
export const publicValuesModule = async (
  specifiers: ReadonlyArray<string>,
  load: (specifier: string) => Promise<Readonly<Record<string, unknown>>>,
): Promise<string> => {
  const lines: Array<string> = []
  let made = 0
  const add = (path: string, value: unknown, depth: number): void => {
    const name = `value${made++}`
    lines.push(`export const ${name} = ${path}`)
    if (typeof value === "function") {
      const isClass = /^class\b/.test(Function.prototype.toString.call(value))
      // Schemas and references are functions too, and are not called.
      if (!isClass && !("ast" in value) && !("key" in value)) {
        const args = Array.from({ length: value.length }, () => "undefined as never").join(", ")
        lines.push(`export const ${name}Call = () => ${path}(${args})`)
      }
      for (const key of Object.getOwnPropertyNames(value)) {
        if (["length", "name", "prototype", "arguments", "caller"].includes(key) || !isName(key)) continue
        if (isClass && depth < 2 && !EFFECT_STATICS.has(key)) add(`${path}.${key}`, Reflect.get(value, key), depth + 1)
      }
    } else if (depth < 2 && typeof value === "object" && value !== null && isNamespace(value)) {
      for (const [key, member] of Object.entries(value)) if (isName(key)) add(`${path}.${key}`, member, depth + 1)
    }
  }
  for (const [index, specifier] of specifiers.entries()) {
    const alias = `module${index}`
    lines.push(`import * as ${alias} from "${specifier}"`)
    for (const [key, value] of Object.entries(await load(specifier))) add(`${alias}.${key}`, value, 0)
  }
  return `${lines.join("\n")}\n`
}

/** Members that Effect gives its own classes (services, schemas, errors): not ours to name. */
const EFFECT_STATICS = new Set(["ast", "fields", "identifier", "key", "stack", "schema", "annotations", "~effect"])

const isName = (key: string): boolean => /^[A-Za-z_$][\w$]*$/.test(key)

const isNamespace = (value: object): boolean => Reflect.get(value, Symbol.toStringTag) === "Module"
