/** The system programs that the tests need, and their installation on Debian. */
import { Console, Effect } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { searchPath } from "./Lab.ts"
import { pythonPackages } from "./programs.ts"

/** A system program. */
export interface Tool {
  /** Its name in messages; the probe's program if it has none. */
  readonly name?: string
  /** The part of the tests that needs it. */
  readonly needed: string
  readonly debianPackage: string
  /** A command that succeeds if the program is installed. */
  readonly probe: readonly [program: string, ...args: ReadonlyArray<string>]
}

/** Those of the interop tests. */
export const interopTools: ReadonlyArray<Tool> = [
  { needed: "several hosts", debianPackage: "util-linux", probe: ["unshare", "--version"] },
  { needed: "several hosts", debianPackage: "util-linux", probe: ["nsenter", "--version"] },
  { needed: "networks of hosts", debianPackage: "iproute2", probe: ["ip", "-V"] },
  { needed: "loss, cuts and NAT", debianPackage: "nftables", probe: ["nft", "--version"] },
  {
    needed: "libtorrent's DHT nodes",
    debianPackage: "python3-libtorrent",
    probe: ["/usr/bin/python3", "-c", "import libtorrent"],
  },
  {
    needed: "the second implementation of members-only topics",
    debianPackage: "python3-cryptography",
    probe: ["/usr/bin/python3", "-c", "import cryptography"],
  },
]

const succeeds = Effect.fnUntraced(function* (
  program: string,
  args: ReadonlyArray<string>,
  output: "inherit" | "ignore",
) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const command = ChildProcess.make(program, args, {
    env: { PATH: searchPath },
    extendEnv: true,
    stdin: "ignore",
    stdout: output,
    stderr: output,
  })
  return yield* spawner.exitCode(command).pipe(
    Effect.map((exitCode) => exitCode === 0),
    Effect.orElseSucceed(() => false),
  )
})

/** The standard output; empty if the program fails. */
const output = (program: string, args: ReadonlyArray<string>) =>
  Effect.flatMap(ChildProcessSpawner.ChildProcessSpawner, (spawner) =>
    spawner.string(ChildProcess.make(program, args, { env: { PATH: searchPath }, extendEnv: true })),
  ).pipe(
    Effect.map((text) => text.trim()),
    Effect.orElseSucceed(() => ""),
  )

const missingOf = (tools: ReadonlyArray<Tool>) =>
  Effect.filter(tools, ({ probe: [program, ...args] }) =>
    Effect.map(succeeds(program, args, "ignore"), (isThere) => !isThere),
  )

/** The newest libtorrent, which Debian does not have yet. */
const LIBTORRENT = "2.1.1"

const importsLibtorrent = `import sys; sys.path.insert(0, "${pythonPackages}"); import libtorrent; assert libtorrent.__version__.startswith("${LIBTORRENT}")`

/** Installs it with pip into a folder of its own. Without it some tests are skipped. */
export const provideLibtorrent = Effect.gen(function* () {
  if (yield* succeeds("/usr/bin/python3", ["-c", importsLibtorrent], "ignore")) return
  const options = ["--quiet", "--upgrade", "--only-binary", ":all:", "--target", pythonPackages]
  // A build for Debian's Python, whichever Python pip runs on.
  const version = yield* output("/usr/bin/python3", ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
  const python = ["--python-version", version, "--implementation", "cp"]
  const isThere = yield* succeeds("pip", ["install", ...options, ...python, `libtorrent==${LIBTORRENT}`], "inherit")
  if (!isThere) yield* Console.error(`libtorrent ${LIBTORRENT} could not be installed with pip: its tests are skipped`)
})

/** Installs missing programs as root on Debian. Reports programs that are still missing. */
export const provideTools = Effect.fnUntraced(function* (tools: ReadonlyArray<Tool>) {
  const wanted = [...new Set((yield* missingOf(tools)).map(({ debianPackage }) => debianPackage))]
  if (wanted.length === 0) return
  if (process.getuid?.() === 0 && (yield* succeeds("apt-get", ["--version"], "ignore"))) {
    yield* Console.log(`— installing ${wanted.join(", ")}`)
    yield* succeeds("apt-get", ["update", "-qq"], "inherit")
    yield* succeeds("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...wanted], "inherit")
  }
  for (const { debianPackage, name, needed, probe } of yield* missingOf(tools)) {
    yield* Console.error(
      `${name ?? probe[0]} is missing or does not work, so tests with ${needed} will fail; on Debian: apt-get install ${debianPackage}`,
    )
  }
})
