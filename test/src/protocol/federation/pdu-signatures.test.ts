/** The signatures of an event as it comes: whose are wanted, which keys count, and what is forged. */
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { redact } from '../../../../src/protocol/events/redaction.ts'
import { signingKey } from '../../../../src/protocol/events/signing.ts'
import { checkPdu } from '../../../../src/protocol/federation/pdu-checks.ts'
import {
  type KeyLookup,
  MAX_KEYS_A_SERVER,
  type WantedKey,
} from '../../../../src/protocol/federation/pdu-signatures.ts'
import { A, B, keysOf, rulesOf, sealed, signedBy } from './sealed-pdu.ts'

const KEYS = keysOf({ 'a.example': A, 'b.example': B })
const NEW = signingKey('ed25519:new', 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')

const check = (pdu: Pdu, version = '11', keys: KeyLookup = KEYS) =>
  checkPdu(JSON.stringify(pdu), rulesOf(version), keys)
const unsigned = (serverName: string) => ({
  verdict: 'dropped',
  step: 'signatures',
  reason: `The event has no valid signature of ${serverName}`,
})
const withSignatures = (signatures: Pdu['signatures']) => ({ ...sealed('11'), signatures })

describe('the server of the sender', () => {
  test('must have signed', () => {
    const pdu = sealed('11')
    expect(check(pdu)).toMatchObject({ verdict: 'good' })
    expect(check(withSignatures({}))).toEqual(unsigned('a.example'))
    expect(check(withSignatures({ 'a.example': {} }))).toEqual(unsigned('a.example'))
    expect(check(withSignatures({ 'b.example': pdu.signatures['a.example'] ?? {} }))).toEqual(
      unsigned('a.example'),
    )
  })

  test('is that of the sender and not that of the room, the state key or the origin', () => {
    const pdu = sealed('11', { sender: '@bob:b.example', state_key: '@alice:a.example', origin: 'a.example' })
    expect(check(pdu)).toEqual(unsigned('b.example'))
    expect(check(signedBy(pdu, '11', 'b.example', B))).toMatchObject({ verdict: 'good' })
  })

  test('has a name with case and port', () => {
    expect(check(sealed('11', { sender: '@alice:A.example' }))).toEqual(unsigned('A.example'))
    expect(check(sealed('11', { sender: '@alice:a.example:8448' }))).toEqual(unsigned('a.example:8448'))
  })

  test('is not found in the prototype of the signatures', () => {
    for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
      expect(check(sealed('11', { sender: `@alice:${name}` }))).toEqual(unsigned(name))
    }
  })

  test('signs the redacted form, so that a full event and a redacted copy are signed alike', () => {
    for (const version of ['3', '8', '9', '11', '12']) {
      const pdu = sealed(version)
      expect(check(redact(pdu, rulesOf(version)), version)).toMatchObject({
        verdict: 'good',
        isRedacted: true,
      })
    }
  })

  test.each(['', 'x', '=', 'A'.repeat(86), 'A'.repeat(10_000), '\u{1f600}'])(
    'has not signed by the signature %.10s',
    (signature) => {
      expect(check(withSignatures({ 'a.example': { 'ed25519:1': signature } }))).toEqual(
        unsigned('a.example'),
      )
    },
  )

  test('has not signed another event by its signature', () => {
    const other = sealed('11', { depth: 4 })
    expect(check(withSignatures(other.signatures))).toEqual(unsigned('a.example'))
  })
})

describe('keys', () => {
  const both = signedBy(sealed('11'), '11', 'a.example', NEW)
  const wanted = (keyId: string): WantedKey => ({
    serverName: 'a.example',
    keyId,
    at: 1_700_000_000_000,
  })
  const known =
    (answers: Record<string, string | undefined>): KeyLookup =>
    ({ keyId }) =>
      answers[keyId]

  test('are asked for with the time of the event', () => {
    const asked: WantedKey[] = []
    check(sealed('11'), '11', (key) => {
      asked.push(key)
      return A.publicKey
    })
    expect(asked).toEqual([wanted('ed25519:1')])
  })

  test('that are not had are named, all of them', () => {
    expect(check(both, '11', known({}))).toEqual({
      verdict: 'keys missing',
      keys: [wanted('ed25519:1'), wanted('ed25519:new')],
    })
  })

  test('that are not had are not needed beside one that is', () => {
    for (const key of [A, NEW]) {
      expect(check(both, '11', known({ [key.id]: key.publicKey }))).toMatchObject({ verdict: 'good' })
    }
  })

  test('that were not valid at that time are passed over', () => {
    const expired = 'invalid'
    expect(check(both, '11', known({ 'ed25519:1': expired, [NEW.id]: NEW.publicKey }))).toMatchObject({
      verdict: 'good',
    })
    expect(check(both, '11', known({ 'ed25519:1': expired, [NEW.id]: expired }))).toEqual(
      unsigned('a.example'),
    )
    expect(check(both, '11', known({ 'ed25519:1': expired }))).toEqual({
      verdict: 'keys missing',
      keys: [wanted(NEW.id)],
    })
  })

  test('that are valid must all have signed', () => {
    const wrong = { 'ed25519:1': A.publicKey, [NEW.id]: A.publicKey }
    expect(check(both, '11', known(wrong))).toEqual(unsigned('a.example'))
    expect(check(both, '11', known({ ...wrong, 'ed25519:1': undefined }))).toEqual(unsigned('a.example'))
  })

  test.each(['', 'x', 'AAAA', A.publicKey.slice(4)])(
    'that are malformed have signed nothing: %j',
    (publicKey) => {
      expect(check(sealed('11'), '11', () => publicKey)).toEqual(unsigned('a.example'))
    },
  )

  test('of other algorithms, and ids that no key has, are not asked for', () => {
    const ids = [
      'later:1',
      'ed25519',
      'ed25519:',
      'ed25519:a b',
      'ed25519:../x',
      `ed25519:${'x'.repeat(256)}`,
    ]
    const signatures = { 'a.example': Object.fromEntries(ids.map((id) => [id, 'A'.repeat(86)])) }
    const refuse: KeyLookup = ({ keyId }) => expect.fail(`${keyId} was asked for`)
    expect(check(withSignatures(signatures), '11', refuse)).toEqual(unsigned('a.example'))
    expect(
      check(
        withSignatures({
          'a.example': { ...signatures['a.example'], ...sealed('11').signatures['a.example'] },
        }),
      ),
    ).toMatchObject({ verdict: 'good' })
  })

  test('of one server are looked at up to a bound', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`ed25519:k${index}`, 'x']))
    const verdict = check(withSignatures({ 'a.example': many }), '11', known({}))
    expect(verdict).toMatchObject({ verdict: 'keys missing' })
    expect(verdict).toHaveProperty('keys.length', MAX_KEYS_A_SERVER)
  })

  test('of servers that need not sign are not asked for', () => {
    const pdu = sealed('11')
    const others = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`s${index}`, { 'ed25519:1': 'x' }]),
    )
    const asked: string[] = []
    const verdict = check({ ...pdu, signatures: { ...others, ...pdu.signatures } }, '11', (key) => {
      asked.push(key.serverName)
      return KEYS(key)
    })
    expect(verdict).toMatchObject({ verdict: 'good' })
    expect(asked).toEqual(['a.example'])
  })
})

const member = (content: JsonObject, sender = '@alice:a.example') => ({
  type: 'm.room.member',
  state_key: '@carol:c.example',
  sender,
  content,
})

describe('the server of a user who vouches for a join', () => {
  const voucher = 'join_authorised_via_users_server'
  const join = { membership: 'join', [voucher]: '@bob:b.example' }

  test.each(['8', '9', '11', '12'])('must have signed in version %s', (version) => {
    const pdu = sealed(version, member(join))
    expect(check(pdu, version)).toEqual(unsigned('b.example'))
    expect(check(signedBy(pdu, version, 'b.example', B), version)).toMatchObject({ verdict: 'good' })
    expect(check(signedBy(pdu, version, 'b.example', A), version)).toMatchObject({ verdict: 'keys missing' })
  })

  test('does not stand in for that of the sender', () => {
    const pdu = signedBy(sealed('11', member(join)), '11', 'b.example', B)
    const { 'a.example': _, ...vouched } = pdu.signatures
    expect(check({ ...pdu, signatures: vouched })).toEqual(unsigned('a.example'))
  })

  test('is not asked in versions that do not know it, nor for what is no join', () => {
    expect(check(sealed('7', member(join)), '7')).toMatchObject({ verdict: 'good' })
    expect(check(sealed('11', member({ ...join, membership: 'leave' })))).toMatchObject({ verdict: 'good' })
    expect(check(sealed('11', { content: join }))).toMatchObject({ verdict: 'good' })
  })

  test.each([null, 1, '', '@bob', 'b.example', [], {}])('cannot have signed where it is %j', (value) => {
    expect(check(sealed('11', member({ ...join, [voucher]: value })))).toMatchObject({
      verdict: 'dropped',
      step: 'signatures',
    })
  })

  test('must have signed the full event where redaction takes its name away', () => {
    const pdu = { ...sealed('8', member(join)), custom: 1 }
    expect(check(pdu, '8')).toEqual(unsigned('b.example'))
    expect(check(redact(pdu, rulesOf('8')), '8')).toMatchObject({ verdict: 'good', isRedacted: true })
  })
})

describe('a third-party invite', () => {
  const invite = {
    membership: 'invite',
    third_party_invite: {
      display_name: 'c',
      signed: { mxid: '@carol:c.example', token: 't', signatures: {} },
    },
  }
  const sender = '@victim:b.example'

  test.each(['3', '10', '11', '12'])('needs no signature of its sender in version %s', (version) => {
    const pdu = sealed(version, member(invite, sender))
    expect(check({ ...pdu, signatures: {} }, version)).toMatchObject({ verdict: 'good', isRedacted: false })
  })

  test.each(['3', '10'])('that redaction makes an ordinary invite needs one in version %s', (version) => {
    const forged = { ...sealed(version, member(invite, sender)), custom: 1 }
    expect(check(forged, version)).toEqual(unsigned('b.example'))
    const signed = signedBy(forged, version, 'b.example', B)
    expect(check(signed, version)).toMatchObject({ verdict: 'good', isRedacted: true })
  })

  test.each(['11', '12'])('stays one where version %s redacts it', (version) => {
    const pdu = { ...sealed(version, member(invite, sender)), custom: 1 }
    const { display_name: _, ...kept } = invite.third_party_invite
    expect(check(pdu, version)).toMatchObject({
      isRedacted: true,
      pdu: { content: { membership: 'invite', third_party_invite: kept } },
    })
    const empty = { ...sealed(version, member({ ...invite, third_party_invite: 'x' }, sender)), custom: 1 }
    expect(check(empty, version)).toEqual(unsigned('b.example'))
  })

  test('is an m.room.member that invites, and nothing else', () => {
    for (const changes of [
      member({ ...invite, membership: 'join' }, sender),
      member({ ...invite, membership: 'ban' }, sender),
      { ...member(invite, sender), type: 'm.room.power_levels' },
    ]) {
      expect(check(sealed('11', changes))).toEqual(unsigned('b.example'))
    }
  })
})
