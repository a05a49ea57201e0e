/** The report as one page that needs nothing beside it. */
import type { Group, Result, Series } from '../check.ts'
import type { Report } from './json.ts'
import { bar, escaped, linePlot, quantiles } from './plots.ts'

const TITLES: Record<Group, string> = {
  endpoints: 'Endpoints',
  address: 'Address and certificate',
  browsers: 'Browsers',
  refusals: 'Refusals and limits',
  journey: 'A user from the first to the last',
  services: 'Services behind the server',
  api: 'The API',
  latency: 'Latency from here',
  'clean-up': 'Cleaning up',
}

const STYLE = `:root{color-scheme:light dark;--ok:#1a7f37;--bad:#cf222e;--dim:#6e7781;--line:#d0d7de}
@media(prefers-color-scheme:dark){:root{--ok:#3fb950;--bad:#f85149;--dim:#8b949e;--line:#30363d}}
body{font:15px/1.45 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin-bottom:.2rem;overflow-wrap:anywhere}h2{font-size:1.05rem;margin:1.8rem 0 .4rem}p{color:var(--dim);margin:.2rem 0}
.tiles{display:flex;flex-wrap:wrap;gap:.8rem;margin:1.2rem 0}.tile{border:1px solid var(--line);border-radius:.5rem;padding:.6rem 1rem;min-width:7rem}
.tile b{display:block;font-size:1.6rem;line-height:1.2}.good b{color:var(--ok)}.bad b{color:var(--bad)}
table{border-collapse:collapse;width:100%;table-layout:fixed}td{border-top:1px solid var(--line);padding:.35rem .5rem;vertical-align:top}
td:first-child{width:4.2rem;font-weight:600}td.ms{width:5rem;text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.b{width:8rem;padding-top:.7rem}@media(max-width:40rem){td.b{display:none}}
.passed td:first-child{color:var(--ok)}.failed td:first-child{color:var(--bad)}.skipped td{color:var(--dim)}
.note{display:block;color:var(--dim);overflow-wrap:anywhere}.failed .note{color:var(--bad)}
.bar{display:block;width:100%;height:8px}.bar rect{fill:currentColor;opacity:.35}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(18rem,1fr));gap:1rem}figure{margin:0;border:1px solid var(--line);border-radius:.5rem;padding:.6rem}
figcaption{font-size:.85rem;overflow-wrap:anywhere}.line{width:100%;display:block}.line polyline{fill:none;stroke:var(--ok);stroke-width:1.5}.line circle{fill:var(--ok)}.axis{stroke:var(--line)}`

/** The page of a report. */
export function htmlOf(report: Report): string {
  const { url, plan, started_ts: started, ms, checks } = report
  const groups = (Object.keys(TITLES) as Group[]).filter((group) =>
    checks.some((check) => check.group === group),
  )
  const most = Math.max(...checks.map((check) => check.ms))
  const tile = (value: string | number, what: string, kind = '') =>
    `<div class="tile ${kind}"><b>${value}</b>${what}</div>`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(url)}: ${report.failed === 0 ? 'well' : `${report.failed} failed`}</title>
<style>${STYLE}</style></head><body>
<h1>${escaped(url)}</h1><p>${escaped(plan)}, ${new Date(started).toISOString().replace('T', ' ').slice(0, 19)} UTC</p>
<div class="tiles">${tile(report.passed, 'passed', 'good')}${tile(report.failed, 'failed', report.failed > 0 ? 'bad' : '')}${tile(report.skipped, 'skipped')}${tile(`${(ms / 1000).toFixed(1)} s`, 'in all')}</div>
${plots(checks.flatMap(({ series }) => series ?? []))}
${groups
  .map((group) =>
    tableOf(
      TITLES[group],
      checks.filter((check) => check.group === group),
      most,
    ),
  )
  .join('\n')}
</body></html>
`
}

function tableOf(title: string, results: Result[], most: number): string {
  const rows = results.map(
    ({ state, name, note, ms }) =>
      `<tr class="${state}"><td>${state}</td><td>${escaped(name)}${note === undefined ? '' : `<span class="note">${escaped(note)}</span>`}</td><td class="ms">${Math.round(ms)} ms</td><td class="b">${bar(ms, most)}</td></tr>`,
  )
  return `<h2>${title}</h2><table>${rows.join('\n')}</table>`
}

function plots(series: Series[]): string {
  if (series.length === 0) return ''
  const figures = series.map((one) => {
    const { p50, p95, max } = quantiles(one.values)
    const words = [
      `median ${Math.round(p50)}`,
      `95% ${Math.round(p95)}`,
      `most ${Math.round(max)} ${one.unit}`,
    ]
    return `<figure><figcaption>${escaped(one.name)}<span class="note">${words.join(' · ')}</span></figcaption>${linePlot(one)}</figure>`
  })
  return `<h2>Times</h2><div class="plots">${figures.join('\n')}</div>`
}
