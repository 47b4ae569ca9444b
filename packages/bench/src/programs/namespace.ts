/**
 * The Rust crate asks four public names for its DHT and has no option for others. In network and mount namespaces of its
 * own those names lead to a testnet on loopback, and no packet can leave. As root, or where users may make namespaces.
 */
import { execFileSync, spawn } from "node:child_process"
import { createInterface } from "node:readline"

const names = "router.bittorrent.com dht.transmissionbt.com dht.libtorrent.org relay.pkarr.org"

const enter = `set -e; ip link set lo up; h=$(mktemp); printf '127.0.0.1 localhost ${names}\\n' > $h; mount --bind $h /etc/hosts; rm $h; exec "$@"`

/** Runs this program again inside new namespaces, unless it is there already. */
export const insideNamespace = (): void => {
  if (process.env.BENCH_NAMESPACE === "1") return
  const isRoot = process.getuid?.() === 0
  const flags = isRoot ? ["--net", "--mount"] : ["--user", "--map-root-user", "--net", "--mount"]
  const words = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const output = execFileSync("unshare", [...flags, "sh", "-c", enter, "sh", ...words], {
    env: { ...process.env, BENCH_NAMESPACE: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  })
  process.stdout.write(output)
  process.exit(0)
}

/** A program that prints JSON events, as the Rust peer does. */
export const peer = (path: string, ...args: ReadonlyArray<string>) => {
  const start = performance.now()
  const child = spawn(path, args, { stdio: ["pipe", "pipe", "inherit"] })
  const lines = createInterface({ input: child.stdout })
  /** Resolves with the time since the start in ms; undefined after the time limit. */
  const event = (name: string, withinMs = 60_000): Promise<number | undefined> =>
    new Promise((resolve) => {
      const timeout = setTimeout(resolve, withinMs, undefined)
      const listen = (line: string) => {
        if (!line.includes(`"event":"${name}"`)) return
        lines.off("line", listen)
        clearTimeout(timeout)
        resolve(performance.now() - start)
      }
      lines.on("line", listen)
    })
  const end = (): Promise<unknown> => {
    child.stdin.end()
    const killed = setTimeout(() => child.kill("SIGKILL"), 2000)
    return new Promise((resolve) => {
      child.once("exit", () => {
        clearTimeout(killed)
        resolve(undefined)
      })
    })
  }
  return { event, end, pid: child.pid }
}
