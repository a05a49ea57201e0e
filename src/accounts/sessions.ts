/** Beginning a session: what registration and login end with. */
import type { Ports, UserGateway } from '../ports.ts'
import { issueAccessToken } from './access-token.ts'

/** The gateway to a user's object. */
export type UserOf = (userId: string) => Pick<UserGateway, 'openSession'>

/** What a client may say about the device it logs in from. */
export interface DeviceWishes {
  deviceId?: string
  displayName?: string
  address?: string
}

/** The keys that the answers of /login and /register share; `home_server` is for clients older than v1.1. */
export interface SessionAnswer {
  user_id: string
  access_token: string
  device_id: string
  home_server: string
}

/** Opens a session for the user's device, and answers with its token. */
export async function beginSession(
  { config }: Pick<Ports, 'config'>,
  userOf: UserOf,
  userId: string,
  wishes: DeviceWishes,
): Promise<SessionAnswer> {
  const session = await userOf(userId).openSession(wishes)
  return {
    user_id: userId,
    access_token: await issueAccessToken(session, config.tokenKeys, config.serverName),
    device_id: session.deviceId,
    home_server: config.serverName,
  }
}
