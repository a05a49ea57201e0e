/** In the browser: signs the user in to the chat silently, each time on the same device. */

export interface SignInOptions {
  homeserver: string
  /** A token of the application for its user: from the application's own server. */
  token: () => Promise<string>
  /** Keeps the device: without it each page that is opened would be another device of the user. */
  storage: Pick<Storage, 'getItem' | 'setItem'>
}

/** What POST /login answers. */
export interface SignInAnswer {
  user_id: string
  device_id: string
  access_token: string
  expires_in_ms: number
}

const DEVICE = 'chat.device'

/** Signs in. Who signs in again on a device renews its session: the one before goes on until its end. */
export async function signIn({ homeserver, token, storage }: SignInOptions): Promise<SignInAnswer> {
  const answer = await fetch(`${homeserver}/_matrix/client/v3/login`, {
    method: 'POST',
    body: JSON.stringify({
      type: 'org.matrix.login.jwt',
      token: await token(),
      device_id: storage.getItem(DEVICE) ?? undefined,
      initial_device_display_name: 'The application',
    }),
  })
  if (!answer.ok) throw new Error(`The chat refused the sign-in: ${answer.status}`)
  const signedIn = (await answer.json()) as SignInAnswer
  storage.setItem(DEVICE, signedIn.device_id)
  return signedIn
}
