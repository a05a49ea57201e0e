/** `GET /_selvedge/stream/page`: topics, partitions, groups and lag of the event stream, for people with a token. */
import { Hono } from 'hono'
import { html } from 'hono/html'
import type { AppEnv } from '../app-env.ts'
import { served } from '../event-stream/scope.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { STYLE } from './assets.ts'
import { EVENT_STREAM_SCRIPT, EVENT_STREAM_STYLE } from './event-stream-script.ts'
import { pageOf } from './frame.ts'
import { pagePolicy } from './policy.ts'

const WHOLE_STYLE = STYLE + EVENT_STREAM_STYLE

const POLICY = pagePolicy({ style: WHOLE_STYLE, script: EVENT_STREAM_SCRIPT, connect: true })

/** Below `/_selvedge/stream`. */
export const eventStreamPage = new Hono<AppEnv>()

eventStreamPage.get('/page', endpoint({ auth: 'none', limit: 'free', served }), (c) => {
  c.header('Content-Security-Policy', POLICY)
  return c.html(page(c.var.ports.config.serverName))
})

function page(serverName: string) {
  return pageOf({
    title: `Event stream · ${serverName}`,
    style: WHOLE_STYLE,
    script: EVENT_STREAM_SCRIPT,
    main: html`<main>
<header>
<p class="state"><output id="state">no token yet</output></p>
<h1>The event stream of ${serverName}</h1>
<p>What stands in each topic and partition, and how far the consumer groups are. A token comes from <code>npm run stream:token</code>; it is kept in this page alone.</p>
</header>
<form id="enter" autocomplete="off">
<label>Token <input name="token" type="password" required></label>
<p><button>Show</button></p>
</form>
<div id="found"></div>
</main>`,
  })
}
