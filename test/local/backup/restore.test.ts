/** What `npm run backup` and `npm run restore` refuse, each before anything has changed. */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { api, must } from '../../support/client.ts'
import { runScript } from '../../support/command.ts'
import { backup, newFolder, removeFolders, restore, start } from './scene.ts'

const folder = newFolder()
const good = join(newFolder(), 'good')

beforeAll(async () => {
  const server = await start(folder)
  const alice = await api(server).register('alice')
  await alice.say(await alice.createRoom(), 'hello')
  await server.stop()
})
afterAll(removeFolders)

describe('npm run backup', () => {
  it('copies a server that is stopped', async () => {
    const { code, stdout, stderr } = await backup(folder, good)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^backed up test\.example to .*\n$/)
  })

  it.each([
    ['without --to', () => ['--data-dir', folder], 2, '--to is missing'],
    ['a place that is taken', () => ['--data-dir', folder, '--to', good], 1, 'is there already'],
    [
      'a place that is nowhere',
      () => ['--data-dir', folder, '--to', '/nowhere/at/all'],
      1,
      'there is no folder',
    ],
    [
      'the data folder itself',
      () => ['--data-dir', folder, '--to', join(folder, 'x')],
      1,
      'in the data folder',
    ],
    [
      'a folder without a server',
      () => ['--data-dir', newFolder(), '--to', `${good}-2`],
      1,
      'holds no server',
    ],
    ['a word too many', () => ['now', '--to', `${good}-2`], 2, 'unexpected argument now'],
  ])('refuses %s, and leaves nothing behind', async (_, args, status, sentence) => {
    const beside = readdirSync(join(good, '..'))
    const { code, stderr } = await runScript('backup', args())
    expect([code, stderr]).toEqual([status, expect.stringContaining(sentence)])
    expect(readdirSync(join(good, '..'))).toEqual(beside)
    expect(readdirSync(folder)).not.toContain('x')
  })
})

/** A copy of the good backup with something wrong in it. */
function wrong(spoil: (backup: string) => void): string {
  const copy = join(newFolder(), 'wrong')
  cpSync(good, copy, { recursive: true })
  spoil(copy)
  return copy
}

function manifestWith(change: (manifest: Record<string, unknown>) => void): string {
  return wrong((copy) => {
    const file = join(copy, 'manifest.json')
    const manifest = JSON.parse(readFileSync(file, 'utf8'))
    change(manifest)
    writeFileSync(file, JSON.stringify(manifest))
  })
}

const room = (copy: string) => {
  const objects = join(copy, 'data', 'objects', 'do', 'selvedge-Room')
  return join(objects, readdirSync(objects).find((name) => name.endsWith('.sqlite'))!)
}

describe('npm run restore', () => {
  it.each([
    [
      'a backup that was not finished',
      () => wrong((copy) => rmSync(join(copy, 'manifest.json'))),
      'was not finished',
    ],
    [
      'a file that has changed',
      () => wrong((copy) => appendFileSync(room(copy), 'x')),
      'is not as it was written',
    ],
    ['a file that is gone', () => wrong((copy) => rmSync(room(copy))), 'is missing'],
    [
      'a file that nobody wrote',
      () => wrong((copy) => writeFileSync(join(copy, 'data', 'more'), '')),
      'data/more',
    ],
    ['a folder that nobody made', () => wrong((copy) => mkdirSync(join(copy, 'data', 'more'))), 'data/more'],
    ['a link', () => wrong((copy) => symlinkSync('/etc/passwd', join(copy, 'data', 'more'))), 'data/more'],
    [
      'a path that leads out',
      () => manifestWith((manifest) => Object.assign(manifest, { folders: ['data/../../out'] })),
      'leads out of the backup',
    ],
    ['a later format', () => manifestWith((manifest) => Object.assign(manifest, { format: 2 })), 'format'],
    ['nothing', () => join(newFolder(), 'nothing'), 'is not there'],
    ['what is no backup', () => wrong((copy) => rmSync(copy, { recursive: true })), 'is not there'],
    ['a file that is no archive', () => fileOf('noise', 'backup.tar.gz'), 'cannot be unpacked'],
    ['a file of another kind', () => fileOf('noise', 'backup.zip'), 'neither a folder nor a file'],
  ])('refuses %s, and leaves the folder unused', async (_, from, sentence) => {
    const target = join(newFolder(), 'target')
    const { code, stderr } = await restore(from(), target)
    expect([code, stderr]).toEqual([1, expect.stringContaining(sentence)])
    expect(readdirSync(target).filter((name) => !/^(lock|run)/.test(name))).toEqual([])
    expect(existsSync(join(target, '..', '..', 'out'))).toBe(false)
  })

  it.each([
    ['without --from', [], 2, '--from is missing'],
    [
      'a database for a backup that has its own',
      ['--database-url', 'postgresql://127.0.0.1:1/x'],
      1,
      'in the data folder',
    ],
  ])('refuses %s', async (_, more, status, sentence) => {
    const from = more.length === 0 ? [] : ['--from', good]
    const { code, stderr } = await runScript('restore', [
      '--data-dir',
      join(newFolder(), 'x'),
      ...from,
      ...more,
    ])
    expect([code, stderr]).toEqual([status, expect.stringContaining(sentence)])
  })

  it('refuses a folder that holds anything, and lets it be', async () => {
    const target = newFolder()
    writeFileSync(join(target, 'diary.txt'), 'mine', { mode: 0o644 })
    const { code, stderr } = await restore(good, target)
    expect([code, stderr]).toEqual([1, expect.stringContaining('is not empty (diary.txt)')])
    expect(readdirSync(target)).toEqual(['diary.txt'])
  })

  it('refuses the folder of a running server', async () => {
    const target = newFolder()
    const server = await start(target)
    const { code, stderr } = await restore(good, target)
    expect([code, stderr]).toEqual([1, expect.stringContaining('is not empty')])
    await api(server).register('bob')
    await server.stop()
  })

  it('goes over what an interrupted restore has left, and gives a folder that only its owner may read', async () => {
    const target = newFolder()
    mkdirSync(join(target, 'restoring', 'data'), { recursive: true })
    writeFileSync(join(target, 'restoring', 'data', 'half'), '')
    expect(await restore(good, target)).toMatchObject({ code: 0, stderr: '' })
    expect(readdirSync(target).sort()).toEqual(expect.arrayContaining(['keys.json', 'objects', 'postgres']))
    expect(readdirSync(target)).not.toContain('restoring')
    const server = await start(target)
    must(await (await api(server).login('alice')).get('/joined_rooms'))
    await server.stop()
  })
})

function fileOf(text: string, name: string): string {
  const file = join(newFolder(), name)
  writeFileSync(file, text)
  return file
}
