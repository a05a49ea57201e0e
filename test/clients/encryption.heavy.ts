/**
 * matrix-js-sdk with its Rust crypto: an encrypted room, a second device that the first one's keys vouch for, and on a
 * third the history from the backup.
 */
import { ClientEvent, createClient, EventType, type MatrixClient, Preset, SyncState } from 'matrix-js-sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testPassword } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { silent } from './silence.ts'

type CryptoApi = NonNullable<ReturnType<MatrixClient['getCrypto']>>

const ALGORITHM = 'm.megolm.v1.aes-sha2'

let server: TestServer
const clients: MatrixClient[] = []
/** What unlocks the secret storage of Alice: she would type it in. */
let recoveryKey: Uint8Array<ArrayBuffer>

beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => {
  for (const client of clients) client.stopClient()
  await server?.stop()
})

const cryptoCallbacks = {
  getSecretStorageKey: async ({ keys }: { keys: object }): Promise<[string, Uint8Array<ArrayBuffer>]> => [
    Object.keys(keys)[0]!,
    recoveryKey,
  ],
  cacheSecretStorageKey: () => {},
}

async function start(user: string, isNew = false): Promise<MatrixClient> {
  const visitor = createClient({ baseUrl: server.url, logger: silent })
  const made = isNew
    ? await visitor.registerRequest({
        username: user,
        password: testPassword,
        auth: { type: 'm.login.dummy' },
      })
    : await visitor.loginRequest({
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user },
        password: testPassword,
      })
  const client = createClient({
    baseUrl: server.url,
    logger: silent,
    userId: made.user_id,
    accessToken: made.access_token!,
    deviceId: made.device_id!,
    cryptoCallbacks,
  })
  clients.push(client)
  await client.initRustCrypto({ useIndexedDB: false })
  const prepared = new Promise<void>((resolve) => {
    client.on(ClientEvent.Sync, (state) => {
      if (state === SyncState.Prepared) resolve()
    })
  })
  await client.startClient({ initialSyncLimit: 30 })
  await prepared
  return client
}

const withPassword = (client: MatrixClient) => ({
  authUploadDeviceSigningKeys: async (upload: (auth: never) => Promise<unknown>) => {
    const identifier = { type: 'm.id.user', user: client.getSafeUserId() }
    await upload({ type: 'm.login.password', identifier, password: testPassword } as never)
  },
})

/** Private keys are taken from the secret storage only where the public ones are known. */
async function knowsOwnKeys(crypto: CryptoApi): Promise<void> {
  await expect.poll(() => crypto.userHasCrossSigningKeys(undefined, true), { timeout: 10_000 }).toBe(true)
}

/** Waits until a room shows a text, decrypted. */
async function reads(client: MatrixClient, roomId: string, text: string): Promise<void> {
  const events = () => client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? []
  const has = () => events().some((event) => event.getContent().body === text && !event.isDecryptionFailure())
  await expect.poll(has, { timeout: 20_000 }).toBe(true)
}

describe('encryption with matrix-js-sdk', () => {
  let alice: MatrixClient
  let bob: MatrixClient
  let roomId: string

  it('lets two people talk in a room whose messages the server cannot read', async () => {
    alice = await start('alice', true)
    bob = await start('bob', true)
    const made = await alice.createRoom({
      preset: Preset.PrivateChat,
      invite: [bob.getSafeUserId()],
      initial_state: [{ type: EventType.RoomEncryption, state_key: '', content: { algorithm: ALGORITHM } }],
    })
    roomId = made.room_id
    await bob.joinRoom(roomId)
    await expect
      .poll(() => alice.getRoom(roomId)?.getMember(bob.getSafeUserId())?.membership, { timeout: 10_000 })
      .toBe('join')
    await alice.sendTextMessage(roomId, 'the pattern is a secret')
    await reads(bob, roomId, 'the pattern is a secret')
    await bob.sendTextMessage(roomId, 'so is the colour')
    await reads(alice, roomId, 'so is the colour')
  })

  it('makes cross-signing keys, secret storage and a backup', async () => {
    const crypto = alice.getCrypto()!
    await crypto.bootstrapCrossSigning(withPassword(alice))
    const key = await crypto.createRecoveryKeyFromPassphrase()
    recoveryKey = key.privateKey
    await crypto.bootstrapSecretStorage({
      createSecretStorageKey: async () => key,
      setupNewKeyBackup: true,
      setupNewSecretStorage: true,
    })
    await crypto.checkKeyBackupAndEnable()
    expect(await crypto.isCrossSigningReady()).toBe(true)
    expect(await crypto.isSecretStorageReady()).toBe(true)
    // Both people's sessions reach the backup by and by.
    const backedUp = async () => {
      const headers = { authorization: `Bearer ${alice.getAccessToken()}` }
      const answer = await fetch(`${server.url}/_matrix/client/v3/room_keys/version`, { headers })
      return ((await answer.json()) as { count: number }).count
    }
    await expect.poll(backedUp, { timeout: 20_000 }).toBeGreaterThanOrEqual(2)
  })

  it('verifies a second device by the secrets of the first', async () => {
    const tablet = await start('alice')
    const crypto = tablet.getCrypto()!
    await knowsOwnKeys(crypto)
    await crypto.bootstrapCrossSigning({})
    const seenBy = async (client: MatrixClient) =>
      (await client.getCrypto()!.getDeviceVerificationStatus(alice.getSafeUserId(), tablet.getDeviceId()!))
        ?.signedByOwner
    await expect.poll(() => seenBy(tablet), { timeout: 20_000 }).toBe(true)
    await expect.poll(() => seenBy(alice), { timeout: 20_000 }).toBe(true)
    await bob.sendTextMessage(roomId, 'for every device')
    await reads(tablet, roomId, 'for every device')
    await reads(alice, roomId, 'for every device')
  })

  it('restores the history on a third from the backup', async () => {
    const phone = await start('alice')
    const crypto = phone.getCrypto()!
    await knowsOwnKeys(crypto)
    await crypto.bootstrapCrossSigning({})
    await crypto.loadSessionBackupPrivateKeyFromSecretStorage()
    await crypto.checkKeyBackupAndEnable()
    const { imported } = await crypto.restoreKeyBackup()
    expect(imported).toBeGreaterThanOrEqual(2)
    for (const event of phone.getRoom(roomId)!.getLiveTimeline().getEvents()) {
      if (event.isDecryptionFailure()) await event.attemptDecryption(phone.getCrypto() as never)
    }
    await reads(phone, roomId, 'the pattern is a secret')
    await reads(phone, roomId, 'so is the colour')
  })
})
