/** What clients ask before anything else: Client-Server API §API Versions and §Capabilities negotiation. */
import { Hono } from 'hono'
import { SUPPORTED_ROOM_VERSIONS } from '../../src/protocol/room-version.ts'
import type { AppEnv } from '../app-env.ts'
import { accessToken } from '../middleware/access-token.ts'

const LATEST_MINOR = 19

/** One by one: clients test for exact strings. */
const VERSIONS = {
  versions: [
    'r0.0.1',
    'r0.1.0',
    'r0.2.0',
    'r0.3.0',
    'r0.4.0',
    'r0.5.0',
    'r0.6.0',
    'r0.6.1',
    ...Array.from({ length: LATEST_MINOR }, (_, index) => `v1.${index + 1}`),
  ],
  unstable_features: { 'org.matrix.msc4222': true },
}

/** Mounted without a version: "/versions" has no prefix of its own. */
export const versions = new Hono<AppEnv>()

versions.get('/versions', (c) => c.json(VERSIONS))

/** What a client may not do here yet is said, since an absent capability counts as present. */
const DISABLED = [
  'm.change_password',
  'm.set_displayname',
  'm.set_avatar_url',
  'm.profile_fields',
  'm.3pid_changes',
  'm.get_login_token',
]

const available = Object.fromEntries(SUPPORTED_ROOM_VERSIONS.map((version) => [version, 'stable']))

export const discovery = new Hono<AppEnv>()

discovery.get('/capabilities', accessToken, (c) => {
  const disabled = Object.fromEntries(DISABLED.map((name) => [name, { enabled: false }]))
  const roomVersions = { default: c.var.ports.config.defaultRoomVersion, available }
  return c.json({ capabilities: { 'm.room_versions': roomVersions, ...disabled } })
})

/** No TURN server is configured: clients take the empty object for exactly that. */
discovery.get('/voip/turnServer', accessToken, (c) => c.json({}))

/** No bridges. */
discovery.get('/thirdparty/protocols', accessToken, (c) => c.json({}))
