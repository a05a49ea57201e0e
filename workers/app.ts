/** The whole HTTP surface: one middleware in front, then what is mounted where. */
import { Hono } from 'hono'
import type { AppEnv } from './app-env.ts'
import { versions } from './client/discovery.ts'
import { clientApp, clientV1App } from './client/index.ts'
import { sharedSecret } from './client/shared-secret.ts'
import { edge } from './middleware/edge.ts'
import { renderError } from './middleware/errors.ts'
import { notFoundIn } from './middleware/not-found.ts'
import { health } from './ops/health.ts'
import { testHooks } from './ops/test-hooks.ts'
import { wellKnown } from './ops/well-known.ts'

/** The path as it was sent: segments are decoded after the split, since ids and state keys may hold any character. */
function rawPath({ url }: Request): string {
  const start = url.indexOf('/', url.indexOf('//') + 2)
  const query = url.indexOf('?', start)
  return query === -1 ? url.slice(start) : url.slice(start, query)
}

export const app = new Hono<AppEnv>({ getPath: rawPath })

app.use(edge)
app.onError(renderError)
app.notFound(notFoundIn(app))

app.route('/_matrix/client', versions)
app.route('/_matrix/client/v3', clientApp)
// "r0" is what "v3" was called before specification v1.1; old clients and bridges still say it.
app.route('/_matrix/client/r0', clientApp)
app.route('/_matrix/client/v1', clientV1App)
app.route('/_synapse/admin/v1', sharedSecret)
app.route('/.well-known/matrix', wellKnown)
app.route('/_selvedge/test', testHooks)
app.route('/', health)
