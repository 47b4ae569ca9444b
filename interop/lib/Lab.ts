/**
 * Where the programs under test run: hosts of their own, made of Linux namespaces, so that no packet can leave the machine
 * and no test meets another's DHT. The four public bootstrap names of the mainline DHT lead to the lab's own DHT there; the
 * reference has no other way to be told.
 *
 * Namespaces are held by a process that ends with its standard input, so nothing is left behind when the tests are killed.
 * They need no root where users may make their own (`unshare --user`). Where none can be made, there is the machine's own
 * loopback: enough for everything but the Rust tracker, which then cannot find a DHT.
 */
import { type Duration, Effect, FileSystem, Path, type Scope, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { InteropError } from "./InteropError.ts"

/** The names that mainline 7 asks when it is given none. */
export const bootstrapNames = [
  "router.bittorrent.com",
  "dht.transmissionbt.com",
  "dht.libtorrent.org",
  "relay.pkarr.org",
] as const

export interface CommandOptions {
  readonly env?: Record<string, string>
  readonly forceKillAfter?: Duration.Input
}

export interface Host {
  readonly name: string
  /** The IPv4 address that other hosts of the lab reach it at. */
  readonly address: string
  /** Whether {@link bootstrapNames} lead to the lab's DHT here. */
  readonly hasNames: boolean
  /** Whether it is the machine itself: programs must then bind to loopback. */
  readonly isMachine: boolean
  /** The command, to be run in this host. Paths must be absolute. */
  readonly command: (program: string, args: ReadonlyArray<string>, options?: CommandOptions) => ChildProcess.Command
}

/** Runs a command in the host to its end. Fails with what it printed when its exit code is not 0. */
export const run = Effect.fn("Lab.run")(function* (host: Host, program: string, ...args: ReadonlyArray<string>) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const failed = (what: string) => new InteropError({ message: `${host.name}: ${program} ${args.join(" ")}: ${what}` })
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

/** Where ip and nft are is not on every user's PATH. */
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

/** As root, namespaces are made directly; else inside a user namespace in which we are root. */
const unshare = process.getuid?.() === 0 ? ["--net", "--mount"] : ["--user", "--map-root-user", "--net", "--mount"]
const enter = process.getuid?.() === 0 ? ["--net", "--mount"] : ["--user", "--preserve-credentials", "--net", "--mount"]

/** A host that other hosts can be plugged to. */
export interface NamespaceHost extends Host {
  /** A process inside. */
  readonly pid: number
}

/** Holds a namespace: prepares it, says so, and ends with its standard input. */
const holder = ["-c", 'mount --bind "$0" /etc/hosts && ip link set lo up && echo up && read -r _']

/** A host in namespaces of its own, made from within `parent`, where the bootstrap names lead to the address `dht`. */
export const makeHost = Effect.fn("Lab.makeHost")(
  function* (parent: Host, name: string, address: string, dht: string) {
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const files = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const directory = yield* files.makeTempDirectoryScoped({ prefix: "interop-" })
    const hosts = path.join(directory, "hosts")
    yield* files.writeFileString(hosts, `127.0.0.1 localhost\n${dht} ${bootstrapNames.join(" ")}\n`)
    yield* files.chmod(directory, 0o755)
    // Inside another namespace we are root already.
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
      const said = yield* handle.stderr.pipe(Stream.decodeText(), Stream.mkString)
      return yield* new InteropError({ message: `no namespace for ${name}: ${said.trim()}` })
    }
    // Both unshare and nsenter become the shell, so this is its process id.
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

/** One host with loopback only; the machine itself where no namespace can be made. */
export const loopback: Effect.Effect<
  Host,
  never,
  Scope.Scope | ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem | Path.Path
> = makeHost(machine, "loopback", "127.0.0.1", "127.0.0.1").pipe(
  Effect.catchTag("InteropError", () => Effect.succeed(machine)),
)
