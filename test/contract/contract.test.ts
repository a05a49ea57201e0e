/** The contract check itself: what it matches, what it refuses, and that the page of compatibility names real tests. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { judgeBy } from '../../local/contract/judge.ts'
import { matcher } from '../../local/contract/match.ts'
import { loadSpec, type Operation, type Spec } from '../../local/contract/spec.ts'
import { projectRoot } from '../../local/paths.ts'
import { ROUTES, type Route } from '../support/routes.ts'
import { endpointRows } from './compatibility.ts'
import { SPEC_VARIABLE } from './folder.ts'
import { waitsFor } from './later.ts'
import { pathOfToday, template, withRoutes } from './routes.ts'

const URI = 'matrix://spec/test.yaml'
const v3 = '/_matrix/client/v3'

const operation = (method: string, path: string): Operation => ({
  id: `${method} ${path}`,
  method,
  path,
  area: 'Test',
  deprecated: false,
  needsToken: true,
  parameters: [],
  answers: { 200: `${URI}#/thing`, 401: `${URI}#/stages` },
})

const spec: Spec = {
  operations: [
    operation('GET', `${v3}/pushrules/`),
    operation('GET', `${v3}/rooms/{roomId}/state/{eventType}/{stateKey}`),
    operation('GET', `${v3}/room_keys/{version}`),
    operation('GET', `${v3}/room_keys/keys`),
  ],
  documents: {
    [URI]: {
      thing: {
        type: 'object',
        properties: { user_id: { type: 'string', format: 'mx-user-id' } },
        required: ['user_id'],
      },
      stages: { type: 'object', properties: { flows: { type: 'array' } }, required: ['flows'] },
    },
  },
}

describe('paths', () => {
  const match = matcher(spec.operations)
  it.each([
    ['/_matrix/client/r0/pushrules/', `${v3}/pushrules/`],
    [`${v3}/pushrules`, `${v3}/pushrules/`],
    [`${v3}/rooms/!a/state/m.room.name`, `${v3}/rooms/{roomId}/state/{eventType}/{stateKey}`],
    [`${v3}/room_keys/keys`, `${v3}/room_keys/keys`],
    [`${v3}/room_keys/1`, `${v3}/room_keys/{version}`],
  ])('%s means %s', (path, template) => {
    expect(match('GET', path)?.path).toBe(template)
  })

  it.each([`${v3}/rooms//state/m.room.name/`, `${v3}/nothing`])('%s means nothing', (path) => {
    expect(match('GET', path)).toBeUndefined()
  })
})

describe('answers', () => {
  const judge = judgeBy(spec)
  const json = 'application/json'
  const [asked] = spec.operations
  it.each([
    [200, json, { user_id: '@a:b' }, []],
    [200, json, { user_id: 'a' }, ['/user_id must match format "mx-user-id"']],
    [200, json, {}, ["the body must have required property 'user_id'"]],
    [204, json, {}, ['the status is 204, expected one of 200, 401']],
    [200, 'text/plain', { user_id: '@a:b' }, ['the content type is "text/plain", expected application/json']],
    [404, json, { errcode: 'M_NOT_FOUND', error: 'No' }, []],
    [404, json, { errcode: 'M_NOT_FOUND' }, ['/error is absent, expected a text']],
    [401, json, { flows: [] }, []],
    [401, json, { errcode: 'M_UNKNOWN_TOKEN', error: 'No' }, []],
  ])('%i %s %j is judged', (status, contentType, body, broken) => {
    const found = judge({ status, contentType, body }, asked)
    expect(found).toHaveLength(broken.length)
    for (const [index, sentence] of broken.entries()) expect(found[index]).toContain(sentence)
  })
})

describe('docs/compatibility.md', () => {
  const page = readFileSync(join(projectRoot, 'docs/compatibility.md'), 'utf8')

  it('names test files that exist', () => {
    const named = [...page.matchAll(/`(test\/[^`]+\.ts)`/g)].map(([, file = '']) => file)
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter((file) => !existsSync(join(projectRoot, file)))).toEqual([])
  })

  it('lists every route of the app, as its row says', async () => {
    expect(ROUTES.length).toBeGreaterThan(200)
    await expect(withRoutes(page, ROUTES)).toMatchFileSnapshot(join(projectRoot, 'docs/compatibility.md'))
  })

  it('says correctly that r0 serves what v3 serves', () => {
    const served = (version: string) =>
      ROUTES.filter(({ path }) => path.startsWith(`/_matrix/client/${version}/`))
        .map(({ method, path, rows: [row] }) => ({ name: `${method} ${pathOfToday(path)}`, row }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    expect(served('r0')).toEqual(served('v3'))
  })

  it('excuses what test/contract/later.ts excuses, and nothing else', () => {
    const wrong = endpointRows(page).filter(({ id, state }) => {
      const reason = waitsFor(id)
      return state !== (reason === undefined ? 'yes' : `later: ${reason}`)
    })
    expect(wrong).toEqual([])
  })
})

const documents = process.env[SPEC_VARIABLE]

/** A user without a session may prove who they are by a third-party identifier, of which this server has none. */
const ASKS_ALL_THE_SAME = [`POST ${v3}/account/deactivate`, `POST ${v3}/account/password`]

describe.skipIf(!documents)('the rows of routes', () => {
  const { operations } = documents ? loadSpec(documents) : { operations: [] }
  const find = matcher(operations)
  const named: [Operation, Route][] = ROUTES.flatMap((route) => {
    const found = find(route.method, template(route.path))
    return found === undefined ? [] : [[found, route]]
  })

  it('ask for a token where the specification asks for one', () => {
    expect(named.length).toBeGreaterThan(150)
    const wrong = named.filter(
      ([
        { needsToken },
        {
          rows: [row],
        },
      ]) => {
        const asks = row?.auth !== 'none' && row?.auth !== 'optional'
        return needsToken !== asks
      },
    )
    expect([...new Set(wrong.map(([{ id }]) => id))].sort()).toEqual(ASKS_ALL_THE_SAME)
  })

  it('limit what the specification limits', () => {
    const limited = named.filter(([{ answers }]) => '429' in answers)
    expect(limited.length).toBeGreaterThan(30)
    expect(
      limited
        .filter(
          ([
            ,
            {
              rows: [row],
            },
          ]) => row?.limit === 'free',
        )
        .map(([{ id }]) => id),
    ).toEqual([])
  })
})
