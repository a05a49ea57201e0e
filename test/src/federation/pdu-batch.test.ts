/** Many events checked at once: which keys are asked for, and when. */
import { expect, it } from 'vitest'
import { checkPdus } from '../../../src/federation/pdu-batch.ts'
import type { KeyRing } from '../../../src/ports/federation.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { type SigningKey, signingKey } from '../../../src/protocol/events/signing.ts'
import type { WantedKey } from '../../../src/protocol/federation/pdu-signatures.ts'
import { A, B, keysOf, rulesOf, sealed, signedBy } from '../protocol/federation/sealed-pdu.ts'

const C = signingKey('ed25519:c', 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')
const RULES = rulesOf('10')

const ofA = sealed('10')
const ofB = signedBy(sealed('10', { sender: '@bob:b.example', depth: 4 }), '10', 'b.example', B)
const ofC = signedBy(sealed('10', { sender: '@cleo:c.example', depth: 5 }), '10', 'c.example', C)

/** Has these keys, gets those when they are asked for, and notes what it is asked. */
function ring(had: Record<string, SigningKey>, got: Record<string, SigningKey>) {
  const asked: string[][] = []
  let keys = had
  const keyRing: KeyRing = {
    known: () => keysOf(had),
    async collect(wanted: readonly WantedKey[]) {
      asked.push(wanted.map(({ serverName }) => serverName).sort())
      for (const { serverName } of wanted) {
        const key = got[serverName]
        if (key !== undefined) keys = { ...keys, [serverName]: key }
      }
      return keysOf(keys)
    },
  }
  return { asked, keyRing }
}

const check = async (pdus: readonly Pdu[], keyRing: KeyRing) =>
  (
    await checkPdus(
      pdus.map((pdu) => JSON.stringify(pdu)),
      RULES,
      keyRing,
    )
  ).map(({ verdict }) => verdict)

it('nothing is asked for where all keys are known', async () => {
  const { asked, keyRing } = ring({ 'a.example': A, 'b.example': B }, {})
  expect(await check([ofA, ofB], keyRing)).toEqual(['good', 'good'])
  expect(asked).toEqual([])
})

it('the keys that are missing are asked for together', async () => {
  const { asked, keyRing } = ring({ 'a.example': A }, { 'b.example': B, 'c.example': C })
  expect(await check([ofA, ofB, ofA, ofC, ofB], keyRing)).toEqual(['good', 'good', 'good', 'good', 'good'])
  expect(asked).toEqual([['b.example', 'c.example']])
})

it('an event whose key is not to be had does not keep the others back', async () => {
  const { asked, keyRing } = ring({ 'a.example': A }, { 'c.example': C })
  expect(await check([ofB, ofA, ofC], keyRing)).toEqual(['keys missing', 'good', 'good'])
  expect(asked).toEqual([['b.example', 'c.example']])
})

it('what is no event asks for nothing', async () => {
  const { asked, keyRing } = ring({ 'a.example': A }, { 'b.example': B })
  const malformed = { ...ofC, depth: -1 }
  expect(await check([ofB, malformed], keyRing)).toEqual(['good', 'dropped'])
  expect(asked).toEqual([['b.example']])
})

it('an invite that a wrong hash makes an ordinary one asks for the key of its sender after all', async () => {
  const invite = sealed('10', {
    type: 'm.room.member',
    sender: '@cleo:c.example',
    state_key: '@alice:a.example',
    content: { membership: 'invite', third_party_invite: { display_name: 'x' } },
    hashes: { sha256: A.publicKey },
  })
  const { asked, keyRing } = ring({ 'a.example': A }, { 'b.example': B, 'c.example': C })
  const signed = signedBy(invite, '10', 'c.example', C)
  expect(await check([ofB, signed], keyRing)).toEqual(['good', 'good'])
  expect(asked).toEqual([['b.example'], ['c.example']])
})
