/** Long bodies of servers: to read what nobody has signed costs seconds, in which everybody waits. */
import { describe, expect, it } from 'vitest'
import { canonicalJson, type JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { makeXMatrix } from '../../../../src/protocol/federation/x-matrix.ts'
import type { Body } from '../../../support/client.ts'
import { federating, remote } from '../../../support/federation/remote.ts'
import { serving } from '../../../support/serving.ts'

const other = remote()
const { server } = serving([], { ...federating, 'rate-limits': 'on' })

/** Some 3 MB of what a transaction may have beside its events. */
const long: JsonObject = { edus: [], odd: Array.from({ length: 1_000_000 }, (_, n) => n % 100), pdus: [] }
const canonical = canonicalJson(long)

/** @param signed what its signature is of */
async function send(body: string, signed = canonical): Promise<[number, string | undefined]> {
  const uri = '/_matrix/federation/v1/send/long'
  const request = { method: 'PUT', uri, destination: 'test.example', content: signed }
  const authorization = makeXMatrix(other.name, request, other.key)
  const headers = { authorization, 'content-type': 'application/json' }
  const answer = await fetch(new URL(uri, server.url), { method: 'PUT', body, headers })
  return [answer.status, ((await answer.json()) as Body).errcode]
}

describe('a long body', () => {
  it('that is signed as it was sent is taken, time and again', async () => {
    for (let time = 0; time < 3; time += 1) expect(await send(canonical)).toEqual([200, undefined])
  })

  it('that was written otherwise than it is signed is taken', async () => {
    expect(await send(` ${canonical}`)).toEqual([200, undefined])
  })

  it('that nobody has signed is not looked at soon after another one, and holds up none that is', async () => {
    const answers = [await send(canonical, '{}'), await send(canonical, '{}')]
    expect(answers[1]).toEqual([429, 'M_LIMIT_EXCEEDED'])
    expect(await send(canonical)).toEqual([200, undefined])
  })
})
