/** Replaces files on Node.js, all or nothing. It does not know what they contain. */
import { randomUUID } from "node:crypto"
import { rename, rm, writeFile } from "node:fs/promises"

/**
 * A process that is interrupted leaves the old file. Only the user may read the new one. Its first name is unique, because several
 * processes may share one file, and in containers also one process id.
 */
export const replaceFile = async (path: string, bytes: Uint8Array): Promise<void> => {
  const fresh = `${path}.${randomUUID()}.new`
  try {
    await writeFile(fresh, bytes, { mode: 0o600 })
    await rename(fresh, path)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}

/** The code of a system error, or the message of another one. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error
    ? String(error.code)
    : error instanceof Error
      ? error.message
      : String(error)
