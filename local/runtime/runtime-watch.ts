/** Logs when the Workers runtime has died, and when it is back: miniflare restarts it without a word. */
import { watch } from 'node:fs'
import { connect } from 'node:net'
import { basename, dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Tell } from './logs.ts'
import type { RuntimeProcess } from './workerd.ts'

interface Watched {
  runtime: RuntimeProcess
  address: { host: string; port: number }
  tell: Tell
}

const AGAIN_MS = 50

/** Watches the file in which each start of the runtime notes its process id; answers what ends it. */
export function watchRuntime({ runtime, address, tell }: Watched): () => void {
  let pid = runtime.pid()
  let ended = false
  const watcher = watch(dirname(runtime.pidFile), (_event, file) => {
    const now = runtime.pid()
    if (file !== basename(runtime.pidFile) || now === undefined || now === pid) return
    tell('error', 'the Workers runtime died, and is started again', { pid, next_pid: now })
    pid = now
    void isBack(now)
  })
  const isBack = async (waitedFor: number) => {
    const started = Date.now()
    while (!ended && pid === waitedFor) {
      if (await answers(address)) {
        tell('warn', 'the Workers runtime is back', { pid: waitedFor, ms: Date.now() - started })
        return
      }
      await sleep(AGAIN_MS, undefined, { ref: false })
    }
  }
  watcher.unref()
  return () => {
    ended = true
    watcher.close()
  }
}

function answers(address: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(address)
    probe.once('connect', () => resolve(true)).once('error', () => resolve(false))
    probe.once('close', () => resolve(false)).once('connect', () => probe.destroy())
  })
}
