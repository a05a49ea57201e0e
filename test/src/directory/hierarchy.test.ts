/** Walking trees of spaces, page by page. */
import { describe, expect, it } from 'vitest'
import { type SpaceRoom, type WalkPlace, walkSpace } from '../../../src/directory/hierarchy.ts'

type Tree = Record<string, string[] | 'room' | 'hidden'>

function room(id: string, tree: Tree): SpaceRoom | undefined {
  const node = tree[id]
  if (node === undefined || node === 'hidden') return undefined
  const isSpace = Array.isArray(node)
  return {
    summary: {
      room_id: id,
      num_joined_members: 1,
      world_readable: false,
      guest_can_join: false,
      join_rule: 'public',
      room_version: '12',
      ...(isSpace ? { room_type: 'm.space' } : {}),
    },
    children: (isSpace ? node : []).map((child) => ({
      type: 'm.space.child',
      state_key: child.replace('*', ''),
      sender: '@a:b',
      content: { via: ['b'], suggested: child.endsWith('*') },
      origin_server_ts: 1,
    })),
  }
}

function asker(tree: Tree) {
  const asked: string[] = []
  const ask = async (id: string) => {
    asked.push(id)
    return room(id, tree)
  }
  return { asked, ask }
}

const whole = { root: 'root', suggestedOnly: false, maxDepth: 20, limit: 50 }
const ids = (rooms: SpaceRoom[] | undefined) => rooms?.map(({ summary }) => summary.room_id)

async function pages(tree: Tree, limit: number): Promise<(string[] | undefined)[]> {
  const shown: (string[] | undefined)[] = []
  let from: WalkPlace | undefined
  do {
    const page = await walkSpace({ ...whole, limit, from }, asker(tree).ask)
    shown.push(ids(page?.rooms))
    from = page?.next
  } while (from !== undefined)
  return shown
}

describe('a walk', () => {
  const tree: Tree = {
    root: ['a', 'sub', 'b'],
    sub: ['c', 'deep', 'root', 'a'],
    deep: ['d'],
    a: 'room',
    b: 'room',
    c: 'room',
    d: 'room',
  }

  it('goes into a space before it goes on beside it, and shows each room once', async () => {
    const page = await walkSpace(whole, asker(tree).ask)
    expect(ids(page?.rooms)).toEqual(['root', 'a', 'sub', 'c', 'deep', 'd', 'b'])
    expect(page?.next).toBeUndefined()
  })

  it.each([1, 2, 3, 6, 7])('shows the same in pages of %i', async (limit) => {
    const shown = await pages(tree, limit)
    expect(shown.flat()).toEqual(['root', 'a', 'sub', 'c', 'deep', 'd', 'b'])
    expect(shown).toHaveLength(Math.ceil(7 / limit))
  })

  it.each([
    [0, ['root']],
    [1, ['root', 'a', 'sub', 'b']],
    [2, ['root', 'a', 'sub', 'c', 'deep', 'b']],
  ])('stops at depth %i', async (maxDepth, expected) => {
    expect(ids((await walkSpace({ ...whole, maxDepth }, asker(tree).ask))?.rooms)).toEqual(expected)
  })

  it('shows only suggested rooms if asked to', async () => {
    const suggesting: Tree = { root: ['a', 'b*'], a: 'room', b: 'room' }
    const page = await walkSpace({ ...whole, suggestedOnly: true }, asker(suggesting).ask)
    expect(ids(page?.rooms)).toEqual(['root', 'b'])
    expect(page?.rooms[0]?.children.map((child) => child.state_key)).toEqual(['b'])
  })

  it('passes over hidden rooms, and shows nothing if the root is hidden', async () => {
    expect(
      ids((await walkSpace(whole, asker({ root: ['x', 'a'], x: 'hidden', a: 'room' }).ask))?.rooms),
    ).toEqual(['root', 'a'])
    expect(await walkSpace(whole, asker({ root: 'hidden' }).ask)).toBeUndefined()
  })

  it('goes on from where it was, even if the space has changed meanwhile', async () => {
    const before: Tree = { root: ['a', 'b', 'c'], a: 'room', b: 'room', c: 'room', z: 'room' }
    const first = await walkSpace({ ...whole, limit: 3 }, asker(before).ask)
    expect(ids(first?.rooms)).toEqual(['root', 'a', 'b'])
    const after: Tree = { ...before, root: ['z', 'a', 'c'] }
    const second = await walkSpace({ ...whole, from: first?.next }, asker(after).ask)
    expect(ids(second?.rooms)).toEqual(['z', 'c'])
  })

  it('asks at most 200 rooms for a page, and goes on after as many hidden ones', async () => {
    const names = Array.from({ length: 250 }, (_, index) => `h${index}`)
    const hiding: Tree = { root: [...names, 'a'], a: 'room' }
    const { asked, ask } = asker(hiding)
    const page = await walkSpace(whole, ask)
    expect(ids(page?.rooms)).toEqual(['root'])
    expect(asked.length).toBeLessThanOrEqual(200)
    expect((await pages(hiding, 50)).flat()).toEqual(['root', 'a'])
  })
})
