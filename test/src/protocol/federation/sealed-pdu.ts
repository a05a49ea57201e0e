/** Events as a server sends them, hashed and signed. */
import { expect } from 'vitest'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { contentHash, referenceJson } from '../../../../src/protocol/events/event-hash.ts'
import { type SigningKey, signingKey } from '../../../../src/protocol/events/signing.ts'
import type { KeyLookup } from '../../../../src/protocol/federation/pdu-signatures.ts'
import { type RoomVersionRules, roomVersion } from '../../../../src/protocol/rooms/room-version.ts'

export const A = signingKey('ed25519:1', 'YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1')
export const B = signingKey('ed25519:b', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')

export function rulesOf(version: string): RoomVersionRules {
  return roomVersion(version) ?? expect.fail(`room version ${version} is missing`)
}

/** An event of alice, whose server is a.example, before it is hashed and signed. */
export function fieldsOf(version: string): Pdu {
  const hash = 'Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ'
  return {
    room_id: rulesOf(version).roomIdIsCreateHash ? `!${hash}` : '!room:a.example',
    type: 'm.room.message',
    sender: '@alice:a.example',
    content: { body: 'hello' },
    origin_server_ts: 1_700_000_000_000,
    depth: 3,
    auth_events: [`$${hash}`],
    prev_events: [`$${hash}`],
    hashes: { sha256: '' },
    signatures: {},
  }
}

/** The event with changes, hashed unless they bring a hash, and signed by a.example. Changes to undefined leave out. */
export function sealed(version: string, changes: Partial<Record<keyof Pdu, unknown>> = {}): Pdu {
  const fields = Object.entries({ ...fieldsOf(version), ...changes }).filter(
    ([, value]) => value !== undefined,
  )
  const pdu = Object.fromEntries(fields) as Pdu
  const hashes = changes.hashes === undefined ? { sha256: contentHash(pdu, rulesOf(version)) } : pdu.hashes
  return signedBy({ ...pdu, hashes }, version, 'a.example', A)
}

/** The event with one signature more. */
export function signedBy(pdu: Pdu, version: string, serverName: string, key: SigningKey): Pdu {
  const signature = key.sign(referenceJson(pdu, rulesOf(version)))
  const others = pdu.signatures[serverName]
  return { ...pdu, signatures: { ...pdu.signatures, [serverName]: { ...others, [key.id]: signature } } }
}

/** Knows one key of each of these servers. */
export function keysOf(known: Record<string, SigningKey>): KeyLookup {
  const byName = new Map(Object.entries(known))
  return ({ serverName, keyId }) => {
    const key = byName.get(serverName)
    return key?.id === keyId ? key.publicKey : undefined
  }
}
