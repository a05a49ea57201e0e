/** The whole HTTP surface: one middleware in front, then what is mounted where. */
import { Hono } from 'hono'
import { RegExpRouter } from 'hono/router/reg-exp-router'
import { accounts } from './admin/accounts.ts'
import { eventStreamAdmin } from './admin/event-stream.ts'
import { fanOut } from './admin/fan-out.ts'
import { media } from './admin/media.ts'
import { rebuild } from './admin/rebuild.ts'
import { registrationTokens } from './admin/registration-tokens.ts'
import { reports } from './admin/reports.ts'
import { uploadRemoval } from './admin/upload-removal.ts'
import type { AppEnv } from './app-env.ts'
import { toolsWhois } from './client/accounts/moderation.ts'
import { profile } from './client/accounts/profile.ts'
import { sharedSecret } from './client/accounts/shared-secret.ts'
import { versions } from './client/discovery.ts'
import { delayedEvents } from './client/events/delayed-events.ts'
import { jumpToDate } from './client/events/jump-to-date.ts'
import { relations } from './client/events/relations.ts'
import { clientApp, clientUnstableApp, clientV1App, clientV4App } from './client/index.ts'
import { dehydratedDevice } from './client/keys/dehydrated-device.ts'
import { rendezvous } from './client/keys/rendezvous.ts'
import { eventStreamGroups } from './event-stream/groups.ts'
import { eventStreamReads } from './event-stream/read.ts'
import { eventStreamStatus } from './event-stream/status.ts'
import { invites } from './federation/invites.ts'
import { serverKeys } from './federation/keys.ts'
import { joinsAndLeaves, templates } from './federation/membership.ts'
import { openIdUserInfo } from './federation/openid.ts'
import { queries } from './federation/queries.ts'
import { serverReads } from './federation/reads.ts'
import { transactions } from './federation/send.ts'
import { serverVersion } from './federation/version.ts'
import { downloads, openDownloads } from './media/downloads.ts'
import { previews } from './media/previews.ts'
import { openThumbnails, thumbnails } from './media/thumbnails.ts'
import { creation, uploads } from './media/uploads.ts'
import { edge } from './middleware/edge.ts'
import { renderError } from './middleware/errors.ts'
import { notFoundIn } from './middleware/not-found.ts'
import { health } from './ops/health.ts'
import { launcher } from './ops/launcher.ts'
import { metrics } from './ops/metrics.ts'
import { status } from './ops/status/index.ts'
import { testHooks } from './ops/test-hooks.ts'
import { wellKnown } from './ops/well-known.ts'
import { demo } from './pages/demo.ts'
import { eventStreamPage } from './pages/event-stream.ts'
import { home } from './pages/home.ts'

/** The path as it was sent: segments are decoded after the split, since ids and state keys may hold any character. */
function rawPath({ url }: Request): string {
  const start = url.indexOf('/', url.indexOf('//') + 2)
  const query = url.indexOf('?', start)
  return query === -1 ? url.slice(start) : url.slice(start, query)
}

/**
 * One expression finds the route. It refuses paths that differ in one segment by a name and by a parameter: Hono's
 * default would then take a slower router for all of them, in silence.
 */
const router: Hono<AppEnv>['router'] = new RegExpRouter()

export const app = new Hono<AppEnv>({ getPath: rawPath, router })

app.use(edge)
app.onError(renderError)
app.notFound(notFoundIn(app))

app.route('/_matrix/client', versions)
app.route('/_matrix/client/v3', clientApp)
// "r0" is what "v3" was called before specification v1.1; old clients and bridges still say it.
app.route('/_matrix/client/r0', clientApp)
app.route('/_matrix/client/v1', clientV1App)
app.route('/_matrix/client/v4', clientV4App)
// The names of these endpoints before the specification took them in; old clients and bridges still use them.
app.route('/_matrix/client/unstable', relations)
app.route('/_matrix/client/unstable/org.matrix.msc3856', relations)
app.route('/_matrix/client/unstable/org.matrix.msc3030', jumpToDate)
app.route('/_matrix/client/unstable', clientUnstableApp)
// The names of the profile API before version 1.16 of the specification.
app.route('/_matrix/client/unstable/uk.tcpip.msc4133', profile)
app.route('/_matrix/client/unstable/org.matrix.msc4140', delayedEvents)
app.route('/_matrix/client/unstable/org.matrix.msc4108', rendezvous)
app.route('/_matrix/client/unstable/org.matrix.msc3814.v1', dehydratedDevice)
app.route('/_matrix/federation/v1', openIdUserInfo)
app.route('/_matrix/federation/v1', serverVersion)
app.route('/_matrix/federation/v1', queries)
app.route('/_matrix/federation/v1', transactions)
app.route('/_matrix/federation/v1', serverReads)
app.route('/_matrix/federation/v1', templates)
app.route('/_matrix/federation/v2', joinsAndLeaves)
app.route('/_matrix/federation', invites)
app.route('/_matrix/key/v2', serverKeys)
app.route('/_matrix/client/v1/media', downloads)
app.route('/_matrix/client/v1/media', thumbnails)
app.route('/_matrix/client/v1/media', previews)
for (const version of ['v3', 'r0', 'v1']) {
  app.route(`/_matrix/media/${version}`, uploads)
  app.route(`/_matrix/media/${version}`, openDownloads)
  app.route(`/_matrix/media/${version}`, openThumbnails)
  app.route(`/_matrix/media/${version}`, previews)
}
app.route('/_matrix/media/v1', creation)
app.route('/_synapse/admin/v1', sharedSecret)
app.route('/_synapse/admin/v1', registrationTokens)
app.route('/_synapse/admin/v1', toolsWhois)
app.route('/.well-known/matrix', wellKnown)
app.route('/_selvedge/admin', media)
app.route('/_selvedge/admin', rebuild)
app.route('/_selvedge/admin', fanOut)
app.route('/_selvedge/admin', uploadRemoval)
app.route('/_selvedge/admin', accounts)
app.route('/_selvedge/admin', reports)
app.route('/_selvedge/admin', eventStreamAdmin)
app.route('/_selvedge/stream', eventStreamGroups)
app.route('/_selvedge/stream', eventStreamStatus)
app.route('/_selvedge/stream', eventStreamPage)
app.route('/_selvedge/stream', eventStreamReads)
app.route('/_selvedge/test', testHooks)
app.route('/_selvedge/local', launcher)
app.route('/_selvedge', demo)
app.route('/_selvedge', status)
app.route('/', home)
app.route('/', health)
app.route('/', metrics)
