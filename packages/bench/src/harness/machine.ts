/** The machine of the measurements and its load. Figures are meaningless without them. */
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os"

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
  /** The load average of the last minute. */
  readonly load: number
}

export const machine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() || "unknown processor",
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  system: `${type()} ${release()}`,
  node: process.version,
  load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
})

export const describe = ({ cpu, cores, memoryGiB, system, node, load }: Machine): string =>
  `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node.js ${node}, load ${load} at the start`
