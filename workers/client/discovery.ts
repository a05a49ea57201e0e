/** What clients ask before anything else: Client-Server API §API Versions and §Capabilities negotiation. */
import { Hono } from 'hono'
import { SUPPORTED_ROOM_VERSIONS, UNSTABLE_ROOM_VERSIONS } from '../../src/protocol/rooms/room-version.ts'
import type { AppEnv } from '../app-env.ts'
import { isAdmin } from '../middleware/admin.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { MAX_DELAY_MS, MAX_SCHEDULED } from './events/delay.ts'

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
  unstable_features: {
    'org.matrix.e2e_cross_signing': true,
    'org.matrix.msc2675': true,
    'org.matrix.msc2285.stable': true,
    'org.matrix.msc3030': true,
    'org.matrix.msc3440.stable': true,
    'org.matrix.msc3715.stable': true,
    'org.matrix.msc3771': true,
    'org.matrix.msc3773': true,
    'org.matrix.msc3391': true,
    'org.matrix.msc3856.stable': true,
    'org.matrix.msc3874': true,
    'org.matrix.msc3912': true,
    'org.matrix.msc3881': true,
    'org.matrix.msc4028': true,
    'org.matrix.msc3981': true,
    'org.matrix.msc4108': true,
    'org.matrix.msc4115': true,
    'org.matrix.msc4140': true,
    'org.matrix.msc4155': true,
    'org.matrix.msc4380.stable': true,
    'org.matrix.simplified_msc3575': true,
    'org.matrix.msc4222': true,
    'org.matrix.msc4262': true,
    'org.matrix.msc3266': true,
    'org.matrix.msc3827.stable': true,
    'org.matrix.msc3814': true,
    'org.matrix.msc4151': true,
    'dev.selvedge.stream': true,
    'uk.half-shot.msc2666.query_mutual_rooms': true,
    'uk.half-shot.msc2666.query_mutual_rooms.stable': true,
    'uk.tcpip.msc4133': true,
    'uk.tcpip.msc4133.stable': true,
  },
}

/** Mounted without a version: "/versions" has no prefix of its own. */
export const versions = new Hono<AppEnv>()

versions.get('/versions', endpoint({ auth: 'none', limit: 'read' }), (c) => c.json(VERSIONS))

/** An absent capability counts as present, except `m.get_login_token`, so each is stated. */
const ENABLED: Record<string, boolean> = {
  'm.change_password': true,
  'm.set_displayname': true,
  'm.set_avatar_url': true,
  'm.profile_fields': true,
  'm.3pid_changes': false,
  'm.get_login_token': false,
  'm.forget_forced_upon_leave': false,
}

const DELAYED_EVENTS = {
  'org.matrix.msc4140.delayed_events': { max_delay_ms: MAX_DELAY_MS, max_scheduled: MAX_SCHEDULED },
}

const available = Object.fromEntries([
  ...SUPPORTED_ROOM_VERSIONS.map((version) => [version, 'stable']),
  ...UNSTABLE_ROOM_VERSIONS.map((version) => [version, 'unstable']),
])

export const discovery = new Hono<AppEnv>()

discovery.get(
  '/capabilities',
  endpoint({ auth: 'device', guests: true, suspended: true, limit: 'read' }),
  async (c) => {
    const flags = Object.fromEntries(Object.entries(ENABLED).map(([name, enabled]) => [name, { enabled }]))
    // "Servers MUST NOT advertise it to users who cannot use it."
    const moderation = (await isAdmin(c)) ? { 'm.account_moderation': { suspend: true, lock: true } } : {}
    // MSC4452: a client that reads this need not make a request in vain.
    const previews = { 'io.element.msc4452.preview_url': { enabled: c.var.ports.config.urlPreviews } }
    const roomVersions = { default: c.var.ports.config.defaultRoomVersion, available }
    return c.json({
      capabilities: {
        'm.room_versions': roomVersions,
        ...DELAYED_EVENTS,
        ...previews,
        ...flags,
        ...moderation,
      },
    })
  },
)
