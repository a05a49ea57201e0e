/**
 * Tells the Worker which clients have closed their connections. The runtime reads nothing of a connection before it has
 * answered on it, and so does not notice; the kernel's table of connections shows it.
 */
import { readFile } from 'node:fs/promises'
import { tellWorker, type WorkerLine } from './tell-worker.ts'

const LOOK_MS = 1_000
/** A megabyte is some 7,000 connections, and takes the kernel some 10 ms. */
const LOOK_MS_OF_A_BYTE = 0.001

/** Only Linux has them: elsewhere each request ends when its time is over. */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6']

/** Looks once a second; answers what ends it. */
export function watchClients(line: WorkerLine): () => void {
  let timer: NodeJS.Timeout | undefined
  let ended = false
  const look = async () => {
    const tables = await Promise.all(TABLES.map((path) => readFile(path, 'latin1').catch(() => '')))
    if (ended || tables.every((table) => table === '')) return
    const bytes = tables.reduce((sum, { length }) => sum + length, 0)
    const peers = tables.flatMap((table) => closedPeers(table, line.port))
    if (peers.length > 0) await tellWorker(line, 'gone', { peers })
    if (!ended) timer = setTimeout(look, Math.max(LOOK_MS, bytes * LOOK_MS_OF_A_BYTE)).unref()
  }
  timer = setTimeout(look, LOOK_MS).unref()
  return () => {
    ended = true
    clearTimeout(timer)
  }
}

/** The peers that have closed a connection to `port` while this side has not (the state CLOSE_WAIT). */
export function closedPeers(table: string, port: number): string[] {
  const row = new RegExp(`:${hex16(port)} ([0-9A-F]{8,32}):([0-9A-F]{4}) 08 `, 'g')
  return [...table.matchAll(row)].map(([, address, peerPort]) => {
    return `${addressOf(address!)}:${Number.parseInt(peerPort!, 16)}`
  })
}

/** The kernel writes each four bytes as a number of the machine, which has its lowest byte first. */
function addressOf(hex: string): string {
  const words = hex.match(/.{8}/g)!.map((word) => word.match(/../g)!.reverse())
  if (words.length === 1) return words[0]!.map((byte) => Number.parseInt(byte, 16)).join('.')
  return `[${words.flatMap(([a, b, c, d]) => [`${a}${b}`, `${c}${d}`]).join(':')}]`
}

function hex16(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0')
}
