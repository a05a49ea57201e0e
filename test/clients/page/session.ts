/** Signs somebody in, and starts a client that encrypts. */
import {
  ClientEvent,
  createClient,
  type ICreateClientOpts,
  type MatrixClient,
  SyncState,
} from 'matrix-js-sdk'

export interface Entry {
  username: string
  password: string
  isNew: boolean
}

const homeserver = new URLSearchParams(location.search).get('homeserver') ?? location.origin

export async function enter({ username, password, isNew }: Entry): Promise<MatrixClient> {
  const visitor = createClient({ baseUrl: homeserver })
  const made = isNew
    ? await visitor.registerRequest({ username, password, auth: { type: 'm.login.dummy' } })
    : await visitor.loginRequest({
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: username },
        password,
      })
  return started(
    { userId: made.user_id, accessToken: made.access_token!, deviceId: made.device_id! },
    password,
  )
}

async function started(
  credentials: Pick<ICreateClientOpts, 'userId' | 'accessToken' | 'deviceId'>,
  password: string,
): Promise<MatrixClient> {
  const client = createClient({ baseUrl: homeserver, ...credentials })
  await client.initRustCrypto()
  const prepared = new Promise<void>((resolve) => {
    client.on(ClientEvent.Sync, (state) => {
      if (state === SyncState.Prepared) resolve()
    })
  })
  await client.startClient({ initialSyncLimit: 30 })
  await prepared
  await client.getCrypto()!.bootstrapCrossSigning({
    authUploadDeviceSigningKeys: async (upload) => {
      const identifier = { type: 'm.id.user', user: credentials.userId! }
      await upload({ type: 'm.login.password', identifier, password })
    },
  })
  return client
}
