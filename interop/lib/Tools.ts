/** The programs of the machine that the tests need, and how they get there. */
import { Console, Effect } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { searchPath } from "./Lab.ts"

interface Tool {
  /** What is not possible without it. */
  readonly needed: string
  readonly debianPackage: string
  /** A command that succeeds when it is there. */
  readonly probe: readonly [program: string, ...args: ReadonlyArray<string>]
}

const tools: ReadonlyArray<Tool> = [
  { needed: "hosts of their own", debianPackage: "util-linux", probe: ["unshare", "--version"] },
  { needed: "hosts of their own", debianPackage: "util-linux", probe: ["nsenter", "--version"] },
  { needed: "networks of hosts", debianPackage: "iproute2", probe: ["ip", "-V"] },
  { needed: "loss, cuts and NAT", debianPackage: "nftables", probe: ["nft", "--version"] },
  {
    needed: "libtorrent's DHT nodes",
    debianPackage: "python3-libtorrent",
    probe: ["/usr/bin/python3", "-c", "import libtorrent"],
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

const missingTools = Effect.filter(tools, ({ probe: [program, ...args] }) =>
  Effect.map(succeeds(program, args, "ignore"), (isThere) => !isThere),
)

/** Installs what is missing where it can: on Debian and its like, as root. Says what stays missing. */
export const provideTools = Effect.gen(function* () {
  const wanted = [...new Set((yield* missingTools).map(({ debianPackage }) => debianPackage))]
  if (wanted.length === 0) return
  if (process.getuid?.() === 0 && (yield* succeeds("apt-get", ["--version"], "ignore"))) {
    yield* Console.log(`— installing ${wanted.join(", ")}`)
    yield* succeeds("apt-get", ["update", "-qq"], "inherit")
    yield* succeeds("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...wanted], "inherit")
  }
  for (const { debianPackage, needed, probe } of yield* missingTools) {
    yield* Console.error(
      `${probe[0]} is missing or of no use, so tests with ${needed} will fail; on Debian: apt-get install ${debianPackage}`,
    )
  }
})
