/** The settings. */
import { describe, expect, it } from 'vitest'
import { messageOf as textOf } from '../../local/start-error.ts'
import { readConfig } from '../../src/config.ts'

const bytes = Buffer.alloc(32, 7).toString('base64').replace(/=+$/, '')
const least = {
  SERVER_NAME: 'test.example',
  PUBLIC_URL: 'https://matrix.test.example/',
  SIGNING_KEYS: JSON.stringify([{ id: 'ed25519:a_1', seed: bytes }]),
  TOKEN_KEYS: JSON.stringify([{ id: 'k1', secret: bytes }]),
}

const secrets = { TURN_SECRET: 'a-secret-of-turn', REGISTRATION_SHARED_SECRET: 'a-secret-of-scripts' }
/** Where a setting is itself a secret, its wrong value holds this. */
const wrongSecret = Buffer.from('not to be shown').toString('base64')

function messageOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return textOf(error)
  }
  return ''
}

describe('the settings', () => {
  it('have cautious defaults', () => {
    expect(readConfig({ ...least, CLIENT_ADDRESS_HEADER: '', ROOM: {} })).toMatchObject({
      serverName: 'test.example',
      publicUrl: 'https://matrix.test.example',
      registration: 'closed',
      rateLimits: true,
      placement: {},
      metricsToken: undefined,
      healthPostgresMs: 900_000,
      roomsAskedAtOnce: 150,
      guests: false,
      accessTokenLifetimeMs: 3_600_000,
      turn: undefined,
      tokenIssuers: [],
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
    ['SIGNING_KEYS', `[{"id": "ed25519:a_1", "seed": "${wrongSecret}"`],
    ['SIGNING_KEYS', JSON.stringify([{ id: 'ed25519:a_1', seed: wrongSecret }])],
    ['SIGNING_KEYS', '[]'],
    ['SIGNING_KEYS', JSON.stringify([{ id: 'rsa:1', seed: bytes }])],
    ['TOKEN_KEYS', JSON.stringify([{ id: 'k1', secret: wrongSecret }])],
    ['TOKEN_KEYS', JSON.stringify([{ id: wrongSecret, secret: 7 }])],
    ['TOKEN_ISSUERS', '{'],
    ['TOKEN_ISSUERS', JSON.stringify([{ issuer: 'a', audience: 'b', keys: [{ secret: wrongSecret }] }])],
    ['TOKEN_ISSUERS', JSON.stringify([{ issuer: 'a', audience: 'b', key_set: 'http://keys.test.example/' }])],
    ['REGISTRATION', 'maybe'],
    ['RATE_LIMITS', 'true'],
    ['GUESTS', 'yes'],
    ['ACCESS_TOKEN_LIFETIME_MS', '0'],
    ['TURN_URIS', 'https://turn.example'],
    ['DEFAULT_ROOM_VERSION', '13'],
    ['ARCHIVE_DELAY_MS', '-1'],
    ['ALLOW_PRIVATE_NETWORKS', 'some'],
    ['MEDIA_STORE', 'disk'],
    ['S3_ENDPOINT', 'ftp://s3.test.example'],
    ['S3_ENDPOINT', `https://user:${wrongSecret}@s3.test.example`],
    ['S3_BUCKET', 'No Bucket'],
    ['IPFS_API_SECRET', wrongSecret],
    ['LOG_LEVEL', 'loud'],
    ['LOG_SAMPLE', '1.5'],
    ['JURISDICTION', 'mars'],
    ['LOCATION_HINT', 'eu'],
    ['METRICS_TOKEN', 'short'],
    ['HEALTH_POSTGRES_MS', '299999'],
    ['ROOMS_ASKED_AT_ONCE', '0'],
  ])('name %s when it is %j, and repeat no secret', (name, value) => {
    const read = () => readConfig({ ...least, ...secrets, [name]: value })
    expect(read).toThrow(name)
    for (const secret of [bytes, wrongSecret, ...Object.values(secrets)])
      expect(messageOf(read)).not.toContain(secret)
  })

  const s3 = { S3_ENDPOINT: 'https://s3.test.example', S3_BUCKET: 'media', S3_ACCESS_KEY_ID: 'k' }

  it.each([
    [{ MEDIA_STORE: 's3' }, 'S3_ENDPOINT: an S3 needs S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID, S3_SECRET'],
    [s3, 'S3_ENDPOINT: an S3 needs S3_SECRET_ACCESS_KEY too'],
    [{ MEDIA_STORE: 'ipfs' }, 'IPFS_API: MEDIA_STORE ipfs needs it'],
    [{ IPFS_API_SECRET: 'bearer:x' }, 'IPFS_API: IPFS_API_SECRET needs it'],
  ])('say what a store of media misses: %j', (given, message) => {
    expect(() => readConfig({ ...least, ...given })).toThrow(message)
  })

  it('know an S3 and a Kubo', () => {
    const all = {
      ...s3,
      S3_SECRET_ACCESS_KEY: 's',
      IPFS_API: 'http://127.0.0.1:5001',
      IPFS_API_SECRET: 'basic:u:p',
    }
    expect(readConfig({ ...least, ...all, S3_PATH_STYLE: 'off' })).toMatchObject({
      mediaStore: 'r2',
      s3: { endpoint: 'https://s3.test.example', bucket: 'media', region: 'us-east-1', pathStyle: false },
      ipfs: { api: 'http://127.0.0.1:5001', authorization: 'Basic dTpw' },
    })
  })
})
