/** The settings. */
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.ts'

const bytes = Buffer.alloc(32, 7).toString('base64').replace(/=+$/, '')
const least = {
  SERVER_NAME: 'test.example',
  PUBLIC_URL: 'https://matrix.test.example/',
  SIGNING_KEYS: JSON.stringify([{ id: 'ed25519:a_1', seed: bytes }]),
  TOKEN_KEYS: JSON.stringify([{ id: 'k1', secret: bytes }]),
}

describe('the settings', () => {
  it('have careful defaults', () => {
    expect(readConfig({ ...least, CLIENT_ADDRESS_HEADER: '', ROOM: {} })).toMatchObject({
      serverName: 'test.example',
      publicUrl: 'https://matrix.test.example',
      registration: 'closed',
      rateLimits: true,
      guests: false,
      accessTokenLifetimeMs: 3_600_000,
      turn: undefined,
      defaultRoomVersion: '12',
      passwordCost: 'normal',
      logLevel: 'info',
      clientAddressHeader: undefined,
      archiveDelayMs: 1000,
      allowPrivateNetworks: false,
      testHooks: false,
      tokenKeys: [{ id: 'k1', secret: new Uint8Array(32).fill(7) }],
      signingKeys: [{ id: 'ed25519:a_1' }],
    })
  })

  it.each([
    ['SERVER_NAME', 'not a name'],
    ['SERVER_NAME', ''],
    ['PUBLIC_URL', 'ftp://test.example'],
    ['SIGNING_KEYS', '{'],
    ['SIGNING_KEYS', '[]'],
    ['SIGNING_KEYS', JSON.stringify([{ id: 'rsa:1', seed: bytes }])],
    ['TOKEN_KEYS', JSON.stringify([{ id: 'k1', secret: 'c2VjcmV0' }])],
    ['REGISTRATION', 'maybe'],
    ['RATE_LIMITS', 'true'],
    ['GUESTS', 'yes'],
    ['ACCESS_TOKEN_LIFETIME_MS', '0'],
    ['TURN_URIS', 'https://turn.example'],
    ['DEFAULT_ROOM_VERSION', '13'],
    ['ARCHIVE_DELAY_MS', '-1'],
    ['ALLOW_PRIVATE_NETWORKS', 'some'],
    ['LOG_LEVEL', 'loud'],
  ])('name %s when it is %j, and do not repeat a secret', (name, value) => {
    const read = () => readConfig({ ...least, [name]: value })
    expect(read).toThrow(name)
    expect(read).not.toThrow(/c2VjcmV0/)
  })
})
