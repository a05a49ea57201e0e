/** The checks of an event as it comes: format by room version, size, content hash, numbers, and what nothing covers. */
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { eventIdOf } from '../../../../src/protocol/events/event-hash.ts'
import { checkPdu } from '../../../../src/protocol/federation/pdu-checks.ts'
import { SUPPORTED_ROOM_VERSIONS } from '../../../../src/protocol/rooms/room-version.ts'
import { A, keysOf, rulesOf, sealed } from './sealed-pdu.ts'

const keys = keysOf({ 'a.example': A })
const check = (pdu: object, version = '11') => checkPdu(JSON.stringify(pdu), rulesOf(version), keys)
const dropped = (reason: string) => ({
  verdict: 'dropped',
  step: 'format',
  reason: expect.stringContaining(reason),
})

test.each(SUPPORTED_ROOM_VERSIONS)('an event of version %s that is as it should be is good', (version) => {
  const pdu = sealed(version)
  const verdict = check(pdu, version)
  expect(verdict).toEqual({
    verdict: 'good',
    eventId: eventIdOf(pdu, rulesOf(version)),
    pdu,
    json: expect.any(String),
    isRedacted: false,
  })
  expect(JSON.parse(verdict.verdict === 'good' ? verdict.json : '')).toEqual(pdu)
})

describe('the format', () => {
  test.each<[name: string, versions: string[], change: Record<string, unknown>, reason: string]>([
    ['no room_id', ['3', '6', '11', '12'], { room_id: undefined }, 'room_id'],
    ['no sender', ['3', '12'], { sender: undefined }, 'sender'],
    ['a sender without a server', ['3', '12'], { sender: '@alice' }, 'sender'],
    ['prev_events of versions 1 and 2', ['3', '12'], { prev_events: [['$a:a.example', {}]] }, 'prev_events'],
    ['21 prev_events', ['3', '12'], { prev_events: Array(21).fill('$a') }, 'prev_events'],
    ['11 auth_events', ['3', '12'], { auth_events: Array(11).fill('$a') }, 'auth_events'],
    ['redacts that is no text', ['3', '10'], { redacts: 1 }, 'redacts'],
    ['a depth below 0', ['3', '12'], { depth: -1 }, 'depth'],
    ['a depth beyond doubles', ['3', '12'], { depth: 2 ** 53 }, 'depth'],
    ['no hashes', ['3', '12'], { hashes: undefined }, 'hashes'],
    ['no signatures', ['3', '12'], { signatures: undefined }, 'signatures'],
    ['a signature that is no text', ['3', '12'], { signatures: { a: { 'ed25519:1': 1 } } }, 'signatures'],
    ['content that is null', ['3', '12'], { content: null }, 'content'],
  ])('with %s is refused in versions %j', (_name, versions, change, reason) => {
    for (const version of versions) {
      expect(check({ ...sealed(version), ...change }, version)).toEqual(dropped(reason))
    }
  })

  test('of the create event of version 12 has no room_id, and of earlier versions one', () => {
    const create = {
      type: 'm.room.create',
      state_key: '',
      room_id: undefined,
      auth_events: [],
      prev_events: [],
    }
    expect(check(sealed('12', create), '12')).toMatchObject({ verdict: 'good' })
    expect(check(sealed('11', create), '11')).toEqual(dropped('room_id'))
  })

  test('lets redacts be anything in the versions that do not know it', () => {
    expect(check(sealed('11', { redacts: 1 }), '11')).toMatchObject({ verdict: 'good' })
  })

  test.each(['', 'null', '[]', '"x"', '1', '{', '{}', '{"type":'])('refuses the text %j', (text) => {
    for (const version of ['3', '12']) {
      expect(checkPdu(text, rulesOf(version), keys)).toMatchObject({ verdict: 'dropped', step: 'format' })
    }
  })

  test('refuses text that is nested too deeply', () => {
    const open = `{"content":${'['.repeat(100_000)}`
    expect(checkPdu(open, rulesOf('12'), keys)).toEqual(dropped('nested too deeply'))
  })

  test('refuses text that has no canonical form', () => {
    for (const version of ['3', '11']) {
      const text = JSON.stringify(sealed(version)).replace('hello', '\\ud800')
      expect(checkPdu(text, rulesOf(version), keys)).toEqual(dropped('lone surrogate'))
    }
  })
})

describe('the size', () => {
  const bytesOf = (pdu: object) => Buffer.byteLength(JSON.stringify(pdu))
  const ofSize = (bytes: number) => {
    const empty = sealed('11', { content: { body: '' } })
    return sealed('11', { content: { body: 'x'.repeat(bytes - bytesOf(empty)) } })
  }

  test('is at most 65536 bytes with signatures', () => {
    expect(bytesOf(ofSize(65_536))).toBe(65_536)
    expect(check(ofSize(65_536))).toMatchObject({ verdict: 'good' })
    expect(check(ofSize(65_537))).toEqual(dropped('The event has 65537 bytes'))
  })

  test('counts bytes and not characters', () => {
    expect(check(sealed('11', { content: { body: '\u{1f600}'.repeat(16_500) } }))).toEqual(dropped('bytes'))
  })

  test('is that of the canonical form: neither escapes nor unsigned count', () => {
    const pdu = ofSize(65_536)
    const escaped = JSON.stringify(pdu).replace(/x{1000,}/, (body) => '\\u0078'.repeat(body.length))
    expect(escaped.length).toBeGreaterThan(380_000)
    expect(checkPdu(escaped, rulesOf('11'), keys)).toMatchObject({ verdict: 'good', pdu })
    expect(check({ ...pdu, unsigned: { a: 'x'.repeat(100_000) } })).toMatchObject({ verdict: 'good', pdu })
  })

  test('has a bound before the text is read', () => {
    const pdu = { ...sealed('11'), unsigned: { a: 'x'.repeat(400_000) } }
    expect(check(pdu)).toEqual(dropped('The event must have at most 65536 bytes'))
  })

  test.each([
    ['type', 'x'],
    ['state_key', '\u{e9}'],
  ])('of %s is at most 255 bytes', (field, character) => {
    const most = character.repeat(Math.floor(255 / Buffer.byteLength(character)))
    expect(check(sealed('11', { [field]: most }))).toMatchObject({ verdict: 'good' })
    expect(check(sealed('11', { [field]: most + character }))).toEqual(dropped(`${field} is longer than 255`))
  })
})

describe('the content hash', () => {
  const POWER: Partial<Pdu> = {
    type: 'm.room.power_levels',
    state_key: '',
    content: { users: { '@alice:a.example': 100 }, ban: 1, invite: 2, notifications: { room: 3 } },
  }

  test('that does not match makes the event its redacted form, under the same id', () => {
    const pdu = sealed('11', POWER)
    const forged = { ...pdu, content: { ...pdu.content, notifications: {} }, custom: 1 }
    expect(check(forged)).toEqual({
      verdict: 'good',
      eventId: eventIdOf(pdu, rulesOf('11')),
      pdu: { ...pdu, content: { users: { '@alice:a.example': 100 }, ban: 1, invite: 2 } },
      json: expect.not.stringMatching(/custom|notifications/),
      isRedacted: true,
    })
  })

  test('redacts as the room version does', () => {
    const forged = { ...sealed('10', POWER), custom: 1 }
    const content = { users: { '@alice:a.example': 100 }, ban: 1 }
    expect(check(forged, '10')).toMatchObject({ isRedacted: true, pdu: { content } })
    expect(check(forged, '10')).not.toHaveProperty('pdu.content.invite')
  })

  test('need not match in a redacted copy', () => {
    const copy = { ...sealed('11', { content: { body: 'secret' } }), content: {} }
    expect(check(copy)).toMatchObject({ verdict: 'good', pdu: copy, isRedacted: true })
  })

  test.each([
    ['empty', ''],
    ['too short', 'x'],
    ['padding alone', '===='],
    ['no base64', '!'],
    ['another', 'A'.repeat(43)],
    ['very long', 'A'.repeat(60_000)],
  ])('that is %s matches nothing', (_name, sha256) => {
    const pdu = sealed('11', { hashes: { sha256 } })
    expect(check(pdu)).toMatchObject({ verdict: 'good', isRedacted: true, pdu: { content: {} } })
  })

  test('does not excuse a change of what the signature covers', () => {
    for (const change of [{ depth: 9 }, { origin_server_ts: 9 }, { sender: '@bob:a.example' }]) {
      expect(check({ ...sealed('11'), ...change })).toMatchObject({ verdict: 'dropped', step: 'signatures' })
    }
  })
})

describe('unsigned', () => {
  test('is taken off, whatever it says', () => {
    const unsigned = { redacted_because: { type: 'm.room.redaction' }, transaction_id: 'x', age: 1 }
    const verdict = check({ ...sealed('11'), unsigned })
    expect(verdict).toMatchObject({ verdict: 'good', isRedacted: false })
    expect(verdict).not.toHaveProperty('pdu.unsigned')
    expect(verdict).toHaveProperty('json', expect.not.stringContaining('unsigned'))
  })

  test('may have numbers that the room version does not know', () => {
    const text = JSON.stringify(sealed('11')).replace('{', '{"unsigned":{"age":1.5},')
    expect(checkPdu(text, rulesOf('11'), keys)).toMatchObject({ verdict: 'good', isRedacted: false })
  })
})

describe('numbers', () => {
  /** Hashed and signed by Synapse 1.163.2, with the numbers as a server may write them. */
  const TEXT =
    '{"auth_events":["$a"],"content":{"ban":50.0,"kick":1e-07,"users":{"@alice:a.example":100.0,' +
    '"@bob:a.example":9007199254740993},"x":[-0.0,0,12345678901234567890]},"depth":3,' +
    '"hashes":{"sha256":"wJyifFtCnOYNwYA8/fOufjLXgZHgHZtNrYAxQAH71b8"},"origin_server_ts":1700000000000,' +
    '"prev_events":["$b"],"room_id":"!r:a.example","sender":"@alice:a.example",' +
    '"signatures":{"a.example":{"ed25519:1":"eRoE+tJvKt9u3C60y66dRZVcHgLlZfXCsPaUWsMRcBnzamEQms+Ad9' +
    '+2gsqYq61fAmnylcBAa1Rap8RijQXiBA"}},"state_key":"","type":"m.room.power_levels"}'
  const AS_WRITTEN = TEXT.replace(':100.0', ': 1e2').replace('1e-07', '1E-7').replace('50.0', '5.0e1')

  test.each(['3', '4', '5'])('that parsing loses are kept in version %s', (version) => {
    for (const text of [TEXT, AS_WRITTEN]) {
      const verdict = checkPdu(text, rulesOf(version), keys)
      expect(verdict).toMatchObject({ verdict: 'good', json: TEXT, isRedacted: false })
      expect(verdict).toHaveProperty('pdu.content.users', {
        '@alice:a.example': 100,
        '@bob:a.example': 9007199254740992,
      })
      expect(verdict).toHaveProperty('eventId', '$Qv5703U2fgaN0c4K1Sjbmkuef2PUmHp4HrpzFBr2MRY')
    }
  })

  test('are kept in the redacted form, and signed there', () => {
    const other = TEXT.replace('"x":[-0.0,', '"x":[0.0,')
    const redacted = TEXT.replace(',"x":[-0.0,0,12345678901234567890]', '')
    expect(checkPdu(other, rulesOf('5'), keys)).toMatchObject({ isRedacted: true, json: redacted })
    for (const [from, to] of [
      [':100.0', ':100'],
      [':100.0', ':100.5'],
      ['9007199254740993', '9007199254740992'],
    ] as const) {
      expect(checkPdu(TEXT.replace(from, to), rulesOf('5'), keys)).toMatchObject({ step: 'signatures' })
    }
  })

  test.each(['6', '11', '12'])('other than integers of doubles are refused in version %s', (version) => {
    const text = JSON.stringify(sealed(version, { content: { a: 77 } }))
    for (const number of ['77.0', '7.7e1', '77.5', '-0.0']) {
      const changed = text.replace(':77', `:${number}`)
      expect(checkPdu(changed, rulesOf(version), keys)).toEqual(dropped('integers'))
    }
    expect(checkPdu(text.replace(':77', ':9007199254740993'), rulesOf(version), keys)).toEqual(
      dropped('Numbers must be integers between'),
    )
    expect(checkPdu(text, rulesOf(version), keys)).toMatchObject({ isRedacted: false })
  })

  test('beyond doubles are refused in every version', () => {
    for (const version of ['3', '12']) {
      const text = JSON.stringify(sealed(version, { content: { a: 77 } })).replace(':77', ':1e400')
      expect(checkPdu(text, rulesOf(version), keys)).toEqual(dropped('Numbers must fit in 64 bits'))
    }
  })
})

test('keys that every object of JavaScript has are keys like others', () => {
  const content = JSON.parse('{"__proto__":{"membership":"invite"},"constructor":1}') as JsonObject
  const verdict = check(sealed('11', { type: '__proto__', state_key: 'constructor', content }))
  expect(verdict).toMatchObject({ verdict: 'good', isRedacted: false })
  expect(verdict).toHaveProperty('json', expect.stringContaining('"__proto__":{"membership":"invite"}'))
})

test('of a key that stands twice the last one counts, in what is read as in what is signed', () => {
  const text = JSON.stringify(sealed('11'))
  const first = text.replace('{', '{"sender":"@mallory:b.example",')
  expect(checkPdu(first, rulesOf('11'), keys)).toMatchObject({
    verdict: 'good',
    pdu: { sender: '@alice:a.example' },
    isRedacted: false,
  })
  const last = text.replace(/\}$/, ',"sender":"@mallory:a.example"}')
  expect(checkPdu(last, rulesOf('11'), keys)).toMatchObject({ verdict: 'dropped', step: 'signatures' })
})
