/**
 * Network and mount namespaces for the Rust crate. It asks four public names for its DHT and has no option for others; in the
 * namespaces these names lead to a testnet on loopback, and no packet can leave. Needs root, or users that may create namespaces.
 */
import { execFileSync, spawn } from "node:child_process"
import { createInterface } from "node:readline"

const DHT_NAMES = "router.bittorrent.com dht.transmissionbt.com dht.libtorrent.org relay.pkarr.org"

const SET_UP = `set -e; ip link set lo up; h=$(mktemp); printf '127.0.0.1 localhost ${DHT_NAMES}\\n' > $h; mount --bind $h /etc/hosts; rm $h; exec "$@"`

/** Runs this program again inside new namespaces, unless it already runs in them. */
export const insideNamespace = (): void => {
  if (process.env.BENCH_NAMESPACE === "1") return
  const isRoot = process.getuid?.() === 0
  const flags = isRoot ? ["--net", "--mount"] : ["--user", "--map-root-user", "--net", "--mount"]
  const words = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const output = execFileSync("unshare", [...flags, "sh", "-c", SET_UP, "sh", ...words], {
    env: { ...process.env, BENCH_NAMESPACE: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  })
  process.stdout.write(output)
  process.exit(0)
}

/** Starts the Rust peer, which prints JSON events. */
export const peer = (path: string, ...args: ReadonlyArray<string>) => {
  const start = performance.now()
  const child = spawn(path, args, { stdio: ["pipe", "pipe", "inherit"] })
  const lines = createInterface({ input: child.stdout })
  /** Resolves at the event, with the ms since the start; with undefined after the time limit. */
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
