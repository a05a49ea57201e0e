/** The frame of the status pages: what changes stands in `main`, which the page's script asks for again and again. */
import { html, raw } from 'hono/html'
import type { Gauge } from '../../../src/ports/metrics.ts'
import type { AppContext } from '../../app-env.ts'
import type { Point } from '../../ops/status/points.ts'
import type { Sample } from '../../ops/status/sample.ts'
import { STYLE } from '../assets.ts'
import { type Html, pageOf } from '../frame.ts'
import { pagePolicy } from '../policy.ts'
import { STATUS_SCRIPT, UPLOT_STYLE } from './script.ts'

/** What all of the pages know. */
export interface Status {
  serverName: string
  sample: Sample
  gauges: readonly Gauge[]
  points: readonly Point[]
}

export interface StatusPage {
  status: Status
  /** The last part of its path; none for the first page. */
  name: '' | 'redis' | 'postgres' | 'media'
  title: string
  body: Html
  /** How often it is asked for again, s: what costs more is asked more rarely. */
  everyS: number
}

const PAGES: [StatusPage['name'], string][] = [
  ['', 'Overview'],
  ['redis', 'Redis'],
  ['postgres', 'Postgres'],
  ['media', 'Media'],
]

const STATUS_STYLE = `
main { max-width: 64rem; padding-top: 1.5rem }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: baseline; margin-bottom: 1rem }
nav strong { margin-right: auto }
nav a[aria-current] { color: inherit; font-weight: 600; text-decoration: none }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .75rem; margin: 0 0 1rem }
.tiles div { padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem }
.tiles dt { font-weight: 400; font-size: .85rem; color: var(--soft) }
.tiles dd { margin: 0; color: inherit; font-size: 1.35rem; overflow-wrap: anywhere }
.tiles .bad { border-color: var(--bad) }
.tiles .bad dd { color: var(--bad) }
:root { --bad: #b3261e; --second: #b06a00 }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --second: #e0a458 } }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: 1rem }
figure { margin: 0; padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; min-width: 0 }
figcaption { font-weight: 600; margin-bottom: .25rem }
figure .plot { min-height: 190px; color: var(--soft) }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { padding: .35rem .6rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top }
th { color: var(--soft); font-weight: 400 }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.u-legend { font-size: .8rem; width: auto }
.u-legend th, .u-legend td { padding: 0 .2rem; border: 0 }
output { display: block; margin-top: .75rem }
`

const WHOLE_STYLE = STYLE + UPLOT_STYLE + STATUS_STYLE
const POLICY = pagePolicy({ style: WHOLE_STYLE, script: STATUS_SCRIPT, connect: true })

/** The page, or what changes of it. */
export function answerPage(
  c: AppContext,
  page: StatusPage,
  { fresh }: { fresh?: string | undefined },
): Response | Promise<Response> {
  c.header('Content-Security-Policy', POLICY)
  return c.html(fresh === undefined ? whole(page) : main(page))
}

function whole(page: StatusPage): Html {
  return pageOf({
    title: `${page.title} · ${page.status.serverName}`,
    style: WHOLE_STYLE,
    script: STATUS_SCRIPT,
    main: main(page),
  })
}

function main({ status, name, title, body, everyS }: StatusPage): Html {
  const links = PAGES.map(
    ([page, label]) =>
      html`<a href="/_selvedge/status${page === '' ? '' : `/${page}`}"${page === name ? raw(' aria-current="page"') : ''}>${label}</a>`,
  )
  return html`<main data-every="${everyS}">
<nav><strong>${status.serverName}</strong>${links}</nav>
<h1>${title}</h1>
${body}
<script type="application/json" id="points">${raw(asData(status.points))}</script>
</main>`
}

/** JSON that cannot end the element it stands in. */
function asData(points: readonly Point[]): string {
  return JSON.stringify(points).replaceAll('<', '\\u003c')
}
