/** The backup's side: has a running server hold still, and knows whether it did. */
import { existsSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import * as z from 'zod'
import { codeOf, StartError } from '../start-error.ts'
import { CONTROL_FILE } from './control.ts'
import { linesOf } from './lines.ts'
import { Elsewhere } from './media.ts'

const Control = z.object({ port: z.int().min(1).max(65535), secret: z.string() })
const Refused = z.object({ error: z.string() })
const Where = z.object({
  database_url: z.string().optional(),
  // A server that runs since an earlier version does not say it.
  media_elsewhere: z.array(Elsewhere).default([]),
})
const Held = z.object({ held: z.literal(true) })
const Released = z.object({ released: z.literal(true) })

export interface RunningControl {
  /** The database beside the folder; undefined for the embedded one. */
  databaseUrl: string | undefined
  /** The stores that hold media beside the folder. */
  mediaElsewhere: Elsewhere[]
  /**
   * Runs `during` while nothing in the server changes.
   * @throws StartError where the server did not stand still to the end
   */
  whileStill(during: () => Promise<void>): Promise<void>
}

/** The server that runs on a data folder; undefined where none does. @throws StartError if it cannot be backed up */
export async function runningControl(run: string): Promise<RunningControl | undefined> {
  const file = join(run, CONTROL_FILE)
  if (!existsSync(file)) return undefined
  const control = Control.safeParse(parsed(readFileSync(file, 'utf8')))
  if (!control.success) throw new StartError(`${file} is damaged: stop the server, and start it again`)
  const { port, secret } = control.data
  // A server that was killed has left its file.
  const socket = await reach(port)
  if (socket === undefined) return undefined
  const { database_url: databaseUrl, media_elsewhere: elsewhere } = await asking(
    socket,
    { secret, ask: 'where' },
    Where,
    async (it) => it,
  )
  return {
    databaseUrl,
    mediaElsewhere: elsewhere,
    async whileStill(during) {
      const line = await reach(port)
      if (line === undefined) throw new StartError('the server has stopped meanwhile: begin again')
      await asking(line, { secret, ask: 'hold' }, Held, async (_, lines) => {
        await during()
        lines.say({ release: true })
        if (Released.safeParse(await lines.next()).success) return
        throw new StartError('the server did not stand still to the end, so this is no backup: begin again')
      })
    },
  }
}

/** Asks, and goes on with an answer of that shape. */
async function asking<Answer, T>(
  socket: Socket,
  question: { secret: string; ask: string },
  shape: z.ZodType<Answer>,
  work: (answer: Answer, lines: ReturnType<typeof linesOf>) => Promise<T>,
): Promise<T> {
  const lines = linesOf(socket)
  try {
    lines.say(question)
    const answer = await lines.next()
    const refused = Refused.safeParse(answer)
    if (refused.success) throw new StartError(refused.data.error)
    const fitting = shape.safeParse(answer)
    if (!fitting.success) throw new StartError('the server is stopping, or is no Selvedge: begin again')
    return await work(fitting.data, lines)
  } finally {
    socket.destroy()
  }
}

function reach(port: number): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => resolve(socket))
    socket.once('error', (error) => (codeOf(error) === 'ECONNREFUSED' ? resolve(undefined) : reject(error)))
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
