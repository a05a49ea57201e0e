/** The moment of a backup: the runtime stands still, and goes on whatever becomes of the backup. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runningControl } from '../../../local/backup/still.ts'
import { api, type Client } from '../../support/client.ts'
import type { TestServer } from '../../support/server.ts'
import { newFolder, removeFolders, start } from './scene.ts'

const folder = newFolder()
const run = join(folder, 'run')
let server: TestServer
let alice: Client
let room: string

beforeAll(async () => {
  server = await start(folder)
  alice = await api(server).register('alice')
  room = await alice.createRoom()
})
afterAll(async () => {
  await server?.stop()
  await removeFolders()
})

/** What the threads of the runtime do: `T` is stopped. */
function threads(): string[] {
  const tasks = `/proc/${server.instance.runtimePid()}/task`
  return readdirSync(tasks).map((task) => {
    const text = readFileSync(join(tasks, task, 'stat'), 'utf8')
    return text.charAt(text.lastIndexOf(')') + 2)
  })
}

const control = async () => (await runningControl(run))!

describe('a server that is held still', () => {
  it('runs no thread of its runtime, answers afterwards, and loses nothing meanwhile', async () => {
    let sending: Promise<string> | undefined
    await (await control()).whileStill(async () => {
      expect(new Set(threads())).toEqual(new Set(['T']))
      sending = alice.say(room, 'while it stands still')
      expect(new Set(threads())).toEqual(new Set(['T']))
    })
    expect(await sending).toMatch(/^\$/)
    expect(threads()).not.toContain('T')
  })

  it('goes on when the backup fails', async () => {
    const failing = (await control()).whileStill(async () => {
      throw new Error('the disk is full')
    })
    await expect(failing).rejects.toThrow('the disk is full')
    expect(await alice.say(room, 'it went on')).toMatch(/^\$/)
  })

  it('goes on when the backup is gone', async () => {
    const { port, secret } = JSON.parse(readFileSync(join(run, 'control.json'), 'utf8'))
    const socket = connect({ host: '127.0.0.1', port })
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
    socket.write(`${JSON.stringify({ secret, ask: 'hold' })}\n`)
    expect(JSON.parse((await lines.next()).value ?? '')).toEqual({ held: true })
    expect(threads()).toContain('T')
    socket.resetAndDestroy()
    expect(await alice.say(room, 'it went on')).toMatch(/^\$/)
  })

  it('is held by one at a time', async () => {
    const order: string[] = []
    const hold = async (name: string) =>
      (await control()).whileStill(async () => {
        order.push(`${name} begins`)
        await new Promise(setImmediate)
        order.push(`${name} ends`)
      })
    await Promise.all([hold('one'), hold('two')])
    expect(order).toHaveLength(4)
    expect(order[1]).toBe(order[0]!.replace('begins', 'ends'))
  })

  it('tells a backup whose runtime died that it is none', async () => {
    const dying = (await control()).whileStill(() => server.restart())
    await expect(dying).rejects.toThrow('did not stand still to the end')
    expect(await alice.say(room, 'it went on')).toMatch(/^\$/)
  })

  it.each([
    ['another secret', JSON.stringify({ secret: 'x'.repeat(32), ask: 'hold' })],
    ['no secret', JSON.stringify({ ask: 'hold' })],
    ['no JSON', 'hold'],
    ['too much', 'x'.repeat(40_000)],
  ])('listens to nobody with %s', async (_, line) => {
    const { port } = JSON.parse(readFileSync(join(run, 'control.json'), 'utf8'))
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('error', () => {})
    let heard = ''
    socket.on('data', (chunk) => {
      heard += chunk
    })
    socket.write(`${line}\n`)
    await new Promise((resolve) => socket.once('close', resolve))
    expect(heard).toBe('')
    expect(threads()).not.toContain('T')
  })

  it('shows its secret to its owner alone', () => {
    expect(statSync(join(run, 'control.json')).mode & 0o077).toBe(0)
  })
})
