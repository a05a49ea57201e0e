/** `GET /_selvedge/demo`: what the stream does, for people to try: two windows, a group, who is there and who is typing. */
import { Hono } from 'hono'
import { html } from 'hono/html'
import type { Config } from '../../src/ports/config.ts'
import type { AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { DEMO_STYLE, STYLE } from './assets.ts'
import { DEMO_SCRIPT } from './demo-script.ts'
import { pageOf } from './frame.ts'
import { pagePolicy } from './policy.ts'

const WHOLE_STYLE = STYLE + DEMO_STYLE

const POLICY = pagePolicy({ style: WHOLE_STYLE, script: DEMO_SCRIPT, connect: true })

export const demo = new Hono<AppEnv>()

demo.get('/demo', endpoint({ auth: 'none', limit: 'free', served: (config) => config.demo }), (c) => {
  c.header('Content-Security-Policy', POLICY)
  return c.html(page(c.var.ports.config))
})

function page({ serverName }: Config) {
  return pageOf({
    title: `Chat · ${serverName}`,
    style: WHOLE_STYLE,
    script: DEMO_SCRIPT,
    main: html`<main>
<header>
<p class="state"><span id="dot" aria-hidden="true"></span><output id="state">not connected</output></p>
<h1>Two people, one group</h1>
<p>Open this page in two windows, and be somebody else in each. What one says, types and reads, the other sees at once.</p>
</header>
<form id="enter" autocomplete="off">
<label>Name <input name="name" required pattern="[a-z0-9._\\-]+" title="small letters and digits"></label>
<label>Password <input name="password" type="password" required minlength="8"></label>
<label>Group <input name="group" required value="#loom:${serverName}" pattern="#[^:]+:.+"></label>
<p><button value="register">Make an account</button> <button value="login">Sign in</button></p>
</form>
<section id="room" hidden>
<div class="head"><h2 id="group"></h2><p><code id="me"></code> <label><input id="away" type="checkbox"> away</label></p></div>
<ul id="people" aria-label="People"></ul>
<ol id="messages" aria-label="Messages" aria-live="polite"></ol>
<p id="typing" aria-live="polite"></p>
<form id="say" autocomplete="off"><input name="text" aria-label="Message" placeholder="Say something" maxlength="4000"><button>Send</button></form>
</section>
</main>`,
  })
}
