/**
 * A network namespace of our own, where the machine allows one: all ports are free, every address of 5.0.0.0/8 is ours (so that a
 * process can be a hundred public hosts), no packet leaves, and nftables counts packets. The command runs itself again inside.
 */
import { execFileSync, spawn } from "node:child_process"
import { INTERRUPTED } from "@topic-tracker/cli-kit"

const VARIABLE = "HOSTILE_NAMESPACE"

/** The public address of the namespace's interface, which iroh endpoints publish. The subnet is routed, and nobody is at its end. */
export const PUBLIC_ADDRESS = "9.9.1.1"

/** Names of the Rust crate's bootstrap nodes. In the namespace they lead to loopback. */
const DHT_NAMES = "router.bittorrent.com dht.transmissionbt.com dht.libtorrent.org relay.pkarr.org"

const SET_UP = `set -e
ip link set lo up
ip addr add 5.0.0.1/8 dev lo
ip link add hostile0 type veth peer name hostile1
ip addr add ${PUBLIC_ADDRESS}/24 dev hostile0
ip link set hostile0 up
ip link set hostile1 up
ip route add default via 9.9.1.2 dev hostile0
hosts=$(mktemp)
printf '127.0.0.1 localhost ${DHT_NAMES}\\n' > $hosts
mount --bind $hosts /etc/hosts
rm $hosts
if [ "$1" = --probe ]; then exit 0; fi
exec "$@"`

/** The folders of ip and nft are not on every PATH. */
const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }

const flags = process.getuid?.() === 0 ? ["--net", "--mount"] : ["--user", "--map-root-user", "--net", "--mount"]

/** Whether this process runs in such a namespace. */
export const isInside = (): boolean => process.env[VARIABLE] === "1"

const isPossible = (): boolean => {
  try {
    execFileSync("unshare", [...flags, "sh", "-c", SET_UP, "sh", "--probe"], { env: environment, stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/**
 * Runs this program again inside a namespace and ends with its exit code. Returns if it already runs in one, or if none can be made.
 */
export const enterNamespace = async (): Promise<void> => {
  if (isInside() || !isPossible()) return
  const words = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const child = spawn("unshare", [...flags, "sh", "-c", SET_UP, "sh", ...words], {
    env: { ...environment, [VARIABLE]: "1" },
    stdio: "inherit",
  })
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal))
  // Without a code a signal ended it, before the command in it could handle one.
  process.exit(await new Promise<number>((resolve) => child.once("exit", (code) => resolve(code ?? INTERRUPTED))))
}

/** Runs nft in the namespace. */
export const nft = (...words: ReadonlyArray<string>): string =>
  execFileSync("nft", words, { env: environment, encoding: "utf8" })
