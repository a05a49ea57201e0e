/** What a stack does not do: end a stranger's process, leave half of itself running, or fail without saying what it lacks. */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { runScript } from '../../support/command.ts'
import { lacking, needingStack, pidsIn, processesOf, removeStacks, stack, stackFolder } from './places.ts'

afterAll(removeStacks, 60_000)

describe('npm run stack', () => {
  it.each([
    [[], 'name what to do: up, down, status, logs'],
    [['restart'], 'name what to do'],
    [['up', 'now'], 'unexpected argument now'],
    [['up', '--with', 'synapse'], 'there is no service synapse'],
    [['up', '--without', 'selvedge'], '--without cannot name selvedge'],
    [['up', '--with', 'kafka-sink'], '--with cannot name kafka-sink: it comes and goes with kafka'],
    [['up', '--ports', 'nginx=0'], '--ports is a list such as'],
    [['up', '--ports', 'apache=80'], '--ports is a list such as'],
    [['up', '--tls-cert', '/etc/hostname'], '--tls-cert and --tls-key belong together'],
    [['up', '--data-dir=/tmp/x'], 'unknown option --data-dir'],
    [['up', '--database-url=postgres://x'], 'unknown option --database-url'],
    [['up', '--registration', 'perhaps'], '--registration must be'],
    [['status', '--with', 'kubo'], '--with is for up'],
    [['down', '--no-smoke'], '--no-smoke is for up'],
    [['down', '--registration', 'open'], 'unexpected argument --registration'],
    [['logs', 'apache'], 'there is no service apache'],
    [['logs', '--lines', 'all'], '--lines must be a number'],
  ])('refuses %j', async (args, sentence) => {
    const folder = stackFolder()
    const { code, stderr } = await runScript('../stack/main', [...args, '--folder', folder])
    expect([code, stderr]).toEqual([2, expect.stringContaining(sentence)])
  })

  it.each(['down', 'status', 'logs'])('%s says that there is no stack', async (command) => {
    const { code, stderr } = await stack(command, stackFolder())
    expect([code, stderr]).toEqual([1, expect.stringContaining('there is no stack in')])
  })

  it('names each program that cannot be had, and the line that brings it', async () => {
    const folder = stackFolder()
    const { code, stderr } = await runScript(
      '../stack/main',
      ['up', '--folder', folder, '--with', 'kafka,kubo', '--without', 'postgres,nginx,prometheus'],
      '',
      { PATH: '/nowhere' },
    )
    expect(code).toBe(1)
    expect(stderr).toContain(
      'redis needs redis-server, which is not on this machine: run: sudo apt-get install redis-server',
    )
    expect(stderr).toContain('or leave it out by --without redis')
    expect(stderr).toContain('kafka needs java')
    expect(stderr).toContain('kubo needs Kubo, which Go builds')
    expect(pidsIn(folder)).toEqual({})
  })
})

describe.skipIf(lacking !== undefined)(needingStack('a stack'), () => {
  it('that cannot be had whole ends what it had started', async () => {
    const folder = stackFolder()
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as { port: number }
    const { code, stderr } = await stack(
      'up',
      folder,
      '--ports',
      `redis=${port}`,
      '--without',
      'prometheus,nginx',
    )
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^selvedge: redis (ended at once|does not answer)/),
    ])
    expect(pidsIn(folder)).toEqual({})
    expect(processesOf(folder)).toEqual([])
    taken.close()
  }, 60_000)

  it('never ends a process that only has the number of one of its own', async () => {
    const folder = stackFolder()
    expect((await stack('up', folder, '--without', 'redis,prometheus,nginx,postgres')).code).toBe(0)
    expect((await stack('down', folder)).code).toBe(0)
    const stranger = spawn('sleep', ['600'], { detached: true })
    mkdirSync(join(folder, 'run'), { recursive: true })
    for (const name of ['selvedge', 'nginx']) {
      writeFileSync(
        join(folder, 'run', `${name}.json`),
        JSON.stringify({ pid: stranger.pid, began: 'earlier/1' }),
      )
    }
    const { code, stdout } = await stack('down', folder)
    expect([code, stdout]).toEqual([0, 'nothing was running\n'])
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull()
    stranger.kill('SIGKILL')
  }, 60_000)
})
