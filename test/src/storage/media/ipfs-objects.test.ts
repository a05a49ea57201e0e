/** What lies in IPFS under which key: written as the conditions have it, and no pin is forgotten. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OnlyIf } from '../../../../src/ports/bucket.ts'
import { type IpfsObjects, postgresIpfsObjects } from '../../../../src/storage/postgres/ipfs-objects.ts'
import { databases, type OpenDatabase } from '../databases.ts'

describe.each(databases)('the objects of IPFS in $title', ({ skip, open }) => {
  let database: OpenDatabase
  let objects: IpfsObjects

  beforeAll(async () => {
    if (skip) return
    database = await open()
    objects = postgresIpfsObjects(database.sql)
  })
  afterAll(() => database?.close())

  const put = (key: string, name: string, onlyIf?: OnlyIf) =>
    objects.put(
      { key, custom: { name }, size: 1, etag: `"${name}"`, cid: `cid-${name}`, pin: `pin-${name}` },
      onlyIf,
      1,
    )
  /** What is to be let go, which is then let go. */
  async function letGo(): Promise<string[]> {
    const pins = await objects.unpins(100)
    await objects.unpinned(pins)
    return pins.sort()
  }

  it.skipIf(skip)('are written where there is nothing yet, once', async () => {
    expect(await put('new/1', 'a', 'absent')).toBe(true)
    expect(await put('new/1', 'b', 'absent')).toBe(false)
    expect(await objects.find('new/1')).toMatchObject({
      etag: '"a"',
      cid: 'cid-a',
      custom: { name: 'a' },
      modified: 1,
    })
    expect(await letGo()).toEqual([])
  })

  it.skipIf(skip)('let go what they replace', async () => {
    await put('old/1', 'c')
    expect(await put('old/1', 'd')).toBe(true)
    expect(await letGo()).toEqual(['pin-c'])
    expect(await put('old/1', 'e', { etag: '"c"' })).toBe(false)
    expect(await letGo()).toEqual([])
    expect(await put('old/1', 'f', { etag: '"d"' })).toBe(true)
    expect(await letGo()).toEqual(['pin-d'])
    expect(await put('old/2', 'g', { etag: '"d"' })).toBe(false)
    expect(await objects.find('old/1')).toMatchObject({ etag: '"f"', cid: 'cid-f' })
  })

  it.skipIf(skip)('that replace each other at the same time leave one, and forget no pin', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `at-once-${index}`)
    await Promise.all(names.map((name) => put('once/1', name)))
    const { cid } = (await objects.find('once/1'))!
    const others = names.filter((name) => cid !== `cid-${name}`).map((name) => `pin-${name}`)
    expect(await letGo()).toEqual(others.sort())
  })

  it.skipIf(skip)('are listed by their beginning, in pages, and removed with their pins', async () => {
    for (const name of ['1', '2', '3']) await put(`list/${name}`, `l${name}`)
    await put('lisu/1', 'other')
    expect(await objects.list('list/', 2)).toEqual({ keys: ['list/1', 'list/2'], next: 'list/2' })
    expect(await objects.list('list/', 2, 'list/2')).toEqual({ keys: ['list/3'] })
    await objects.remove(['list/1', 'list/3', 'list/4'], 2)
    expect(await objects.list('list/', 10)).toEqual({ keys: ['list/2'] })
    expect(await letGo()).toEqual(['pin-l1', 'pin-l3'])
  })
})
