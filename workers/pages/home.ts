/** `GET /`: a page for people: that the server runs, how to sign in, where to read on. */
import { Hono } from 'hono'
import { html } from 'hono/html'
import type { Config } from '../../src/ports/config.ts'
import { VERSION } from '../../src/version.ts'
import type { AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { COPY_SCRIPT, STYLE } from './assets.ts'
import { pageOf } from './frame.ts'
import { pagePolicy } from './policy.ts'

const POLICY = pagePolicy({ style: STYLE, script: COPY_SCRIPT })

/** What a visitor without an account is told, by the setting of registration. */
const JOINING: Record<Config['registration'], string> = {
  open: 'You have no account yet? Choose to register in your client: everybody may.',
  token:
    'You have no account yet? Ask the people who run this server for a registration token, then register in your client.',
  closed: 'You have no account yet? Ask the people who run this server: they make the accounts.',
}

export const home = new Hono<AppEnv>()

home.get('/', endpoint({ auth: 'none', limit: 'free' }), (c) => {
  c.header('Content-Security-Policy', POLICY)
  return c.html(page(c.var.ports.config))
})

function page({ serverName, publicUrl, registration }: Config) {
  return pageOf({
    title: `${serverName} · Matrix homeserver`,
    style: STYLE,
    script: COPY_SCRIPT,
    main: html`<main>
<header>
<p class="state"><span aria-hidden="true"></span>running</p>
<h1>${serverName}</h1>
<p>This is a homeserver of <a href="https://matrix.org">Matrix</a>, an open network for messages and calls. You use it with a client of your choice.</p>
</header>
<section aria-labelledby="address">
<h2 id="address">The address</h2>
<p class="copy"><code id="url">${publicUrl}</code><button type="button" id="copy" hidden>Copy</button></p>
<p>Your client asks for it as the <em>homeserver</em> when you sign in. Users are called <code>@name:${serverName}</code>.</p>
</section>
<section aria-labelledby="clients">
<h2 id="clients">Sign in</h2>
<dl>
<dt><a href="https://app.element.io">Element Web</a> and Element Desktop</dt>
<dd>Choose <em>Sign in</em>, then <em>Edit</em> beside the homeserver and <em>Other homeserver</em>. Paste the address, and continue.</dd>
<dt>FluffyChat, on a phone</dt>
<dd>Put the address where it asks for a homeserver, then sign in with your name and password.</dd>
<dt><a href="https://app.cinny.in">Cinny</a></dt>
<dd>Put the address into the field <em>Homeserver</em>, then your name and password.</dd>
<dt>Others</dt>
<dd>There are <a href="https://matrix.org/ecosystem/clients/">many more</a>: each has a field for the homeserver.</dd>
</dl>
<p>${JOINING[registration]}</p>
</section>
<footer>
<p>Selvedge ${VERSION}. The documentation comes with the source: <code>README.md</code> to begin with, <code>docs/operation.md</code> for those who run it. For programs: <a href="health">health</a>, <a href="_matrix/client/versions">versions</a>.</p>
</footer>
</main>`,
  })
}
