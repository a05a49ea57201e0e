/** What the launcher tells the Worker of the machine: the disk of the data folder, and the processes. */
import { readFileSync, statfsSync } from 'node:fs'

/** As `/metrics` shows it. */
interface Told {
  name: string
  labels: Record<string, string>
  value: number
}

export interface MachineOptions {
  /** The data folder. */
  folder: string
  /** The process id of the Workers runtime, once it runs. */
  runtimePid: () => number | undefined
}

export function machineGauges({ folder, runtimePid }: MachineOptions): Told[] {
  const { bsize, blocks, bavail } = statfsSync(folder)
  const processes = [
    { process: 'launcher', pid: process.pid },
    { process: 'workerd', pid: runtimePid() },
  ]
  return [
    { name: 'disk_size_bytes', labels: {}, value: blocks * bsize },
    { name: 'disk_free_bytes', labels: {}, value: bavail * bsize },
    ...processes.flatMap(({ process: name, pid }) => {
      const memory = pid === undefined ? undefined : residentBytes(pid)
      if (memory === undefined) return []
      return [{ name: 'process_resident_memory_bytes', labels: { process: name }, value: memory }]
    }),
    {
      name: 'process_start_time_seconds',
      labels: { process: 'launcher' },
      value: Math.round(Date.now() / 1000 - process.uptime()),
    },
  ]
}

/** Linux alone tells it of another process by a file. */
function residentBytes(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
  } catch {
    return pid === process.pid ? process.memoryUsage.rss() : undefined
  }
}
