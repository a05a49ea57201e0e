/** Beginning a session: what registration and login end with. */
import type { FirstProfile, Session } from '../objects/user/session.ts'
import type { Ports } from '../ports/ports.ts'
import { issueAccessToken } from './access-token.ts'
import { issuePair, newRefreshSecret } from './refresh.ts'

/** What the beginning of a session asks of the user's object. */
export interface SessionOwner {
  openSession(request: {
    deviceId?: string
    displayName?: string
    address?: string
    refreshHash?: string
    lifetimeMs?: number
    profile?: FirstProfile
  }): Promise<Session & { expiresAt?: number; family?: string }>
  checkSession(session: Session): Promise<{ suspended: boolean }>
  logoutAll(session: Session): Promise<void>
  beginProfile(): Promise<void>
  hasPast(): Promise<boolean>
}

export type UserOf = (userId: string) => SessionOwner

/** What a client may say about the device it logs in from. */
export interface DeviceWishes {
  deviceId?: string
  displayName?: string
  address?: string
  /** The client can refresh its tokens: "the access token then expires". */
  refresh?: boolean
  guest?: boolean
  /** The session ends after this time, ms, whatever the client can do: another proof begins the next one. */
  lifetimeMs?: number
  /** What is known of the user's profile from elsewhere. */
  profile?: FirstProfile
}

/** The keys that the answers of /login and /register share; `home_server` is for clients older than v1.1. */
export interface SessionAnswer {
  user_id: string
  access_token: string
  device_id: string
  home_server: string
  refresh_token?: string
  expires_in_ms?: number
}

/** How long the name of a device may be; a login with a longer one is not refused for that. */
const MAX_DEVICE_NAME = 255

type SessionPorts = Pick<Ports, 'config' | 'random' | 'clock'>

/** Opens a session for the user's device, and answers with its token. */
export async function beginSession(
  ports: SessionPorts,
  userOf: UserOf,
  userId: string,
  { deviceId, displayName, address, refresh = false, guest = false, lifetimeMs, profile }: DeviceWishes,
): Promise<SessionAnswer> {
  const { tokenKeys, serverName } = ports.config
  const renewal = refresh ? newRefreshSecret(ports) : undefined
  const name = displayName?.slice(0, MAX_DEVICE_NAME)
  const request = { deviceId, displayName: name, address, refreshHash: renewal?.hash, lifetimeMs, profile }
  const session = await userOf(userId).openSession(request)
  const { expiresAt, family } = session
  const tokens =
    renewal === undefined || expiresAt === undefined || family === undefined
      ? {
          access_token: await issueAccessToken({ ...session, guest }, tokenKeys, serverName),
          ...(expiresAt !== undefined && { expires_in_ms: Math.max(0, expiresAt - ports.clock.now()) }),
        }
      : await issuePair(ports, { ...session, expiresAt, family }, renewal.secret)
  return { user_id: userId, device_id: session.deviceId, home_server: serverName, ...tokens }
}
