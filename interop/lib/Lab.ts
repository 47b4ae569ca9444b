/**
 * The hosts that the programs under test run in: Linux namespaces, so that no packet can leave the machine and no test reaches
 * another test's DHT. In a host, the four public bootstrap names of the mainline DHT resolve to the test's own DHT; the Rust crate
 * distributed-topic-tracker (the crate) has no option for bootstrap nodes.
 *
 * A process that ends with its standard input holds the namespaces, so nothing is left behind if the tests are killed. Root is not
 * needed if users may make namespaces (`unshare --user`). If no namespace can be made, the programs use the machine's loopback:
 * enough for everything except the Rust tracker, which then cannot find a DHT.
 */
import { type Duration, Effect, FileSystem, Path, type Scope, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { InteropError } from "./InteropError.ts"

/** The default bootstrap names of mainline 7. */
export const BOOTSTRAP_NAMES = [
  "router.bittorrent.com",
  "dht.transmissionbt.com",
  "dht.libtorrent.org",
  "relay.pkarr.org",
] as const

/** Options of a command in a host. */
export interface CommandOptions {
  readonly env?: Record<string, string>
  readonly forceKillAfter?: Duration.Input
}

/** A host: namespaces, or the machine itself. */
export interface Host {
  readonly name: string
  /** The IPv4 address of the host in the lab. */
  readonly address: string
  /** Whether {@link BOOTSTRAP_NAMES} resolve to the test's DHT. */
  readonly hasNames: boolean
  /** Whether the host is the machine itself: programs must then bind to loopback. */
  readonly isMachine: boolean
  /** A command that runs in this host. Paths must be absolute. */
  readonly command: (program: string, args: ReadonlyArray<string>, options?: CommandOptions) => ChildProcess.Command
}

/** Runs a command in the host to its end. Fails with its output if the exit code is not 0. */
export const run = Effect.fn("Lab.run")(function* (host: Host, program: string, ...args: ReadonlyArray<string>) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const failed = (cause: string) =>
    new InteropError({ message: `${host.name}: ${program} ${args.join(" ")}: ${cause}` })
  return yield* Effect.gen(function* () {
    const handle = yield* spawner.spawn(host.command(program, args))
    const output = yield* handle.all.pipe(Stream.decodeText(), Stream.mkString)
    const exitCode = yield* handle.exitCode
    if (exitCode !== 0) return yield* failed(output.trim())
    return output
  }).pipe(
    Effect.scoped,
    Effect.catchTag("PlatformError", (error) => Effect.fail(failed(error.message))),
  )
})

/** PATH with the folders of ip and nft, which are not on every user's PATH. */
export const searchPath = `${process.env.PATH}:/usr/sbin:/sbin`

/** The machine itself. */
export const machine: Host = {
  name: "machine",
  address: "127.0.0.1",
  hasNames: false,
  isMachine: true,
  command: (program, args, { env, ...options } = {}) =>
    ChildProcess.make(program, args, { ...options, env: { PATH: searchPath, ...env }, extendEnv: true }),
}

/** Root makes namespaces directly, other users inside a user namespace in which they are root. */
const unshare = process.getuid?.() === 0 ? ["--net", "--mount"] : ["--user", "--map-root-user", "--net", "--mount"]
const enter = process.getuid?.() === 0 ? ["--net", "--mount"] : ["--user", "--preserve-credentials", "--net", "--mount"]

/** A host that can be connected to other hosts. */
export interface NamespaceHost extends Host {
  /** A process inside of the namespaces. */
  readonly pid: number
}

/** The arguments of the shell that holds a namespace: it prepares it, prints `up`, and ends with its standard input. */
const holder = ["-c", 'mount --bind "$0" /etc/hosts && ip link set lo up && echo up && read -r _']

/** A new host, made from inside of `parent`. The bootstrap names resolve to the address `dht`. */
export const makeHost = Effect.fn("Lab.makeHost")(
  function* (parent: Host, name: string, address: string, dht: string) {
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const files = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const directory = yield* files.makeTempDirectoryScoped({ prefix: "interop-" })
    const hosts = path.join(directory, "hosts")
    yield* files.writeFileString(hosts, `127.0.0.1 localhost\n${dht} ${BOOTSTRAP_NAMES.join(" ")}\n`)
    yield* files.chmod(directory, 0o755)
    // Inside another namespace we are already root.
    const flags = parent.isMachine ? unshare : ["--net", "--mount"]
    const handle = yield* spawner.spawn(parent.command("unshare", [...flags, "sh", ...holder, hosts]))
    const up = yield* handle.stdout.pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.take(1),
      Stream.mkString,
      Effect.timeout("10 seconds"),
    )
    if (up !== "up") {
      const errors = yield* handle.stderr.pipe(Stream.decodeText(), Stream.mkString)
      return yield* new InteropError({ message: `no namespace for ${name}: ${errors.trim()}` })
    }
    // unshare and nsenter are replaced by the shell, so this is the shell's process id.
    const prefix = ["--target", String(handle.pid), ...enter, "--"]
    const host: NamespaceHost = {
      name,
      address,
      pid: handle.pid,
      hasNames: true,
      isMachine: false,
      command: (program, args, options) => machine.command("nsenter", [...prefix, program, ...args], options),
    }
    return host
  },
  Effect.catchTag(["PlatformError", "TimeoutError"], (error) =>
    Effect.fail(new InteropError({ message: `no network namespace can be made here: ${error.message}` })),
  ),
)

/** One host with loopback only, or the machine itself if no namespace can be made. */
export const loopback: Effect.Effect<
  Host,
  never,
  Scope.Scope | ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem | Path.Path
> = makeHost(machine, "loopback", "127.0.0.1", "127.0.0.1").pipe(
  Effect.catchTag("InteropError", () => Effect.succeed(machine)),
)
