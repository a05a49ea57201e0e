/** What status pages are made of: tiles, charts, tables; and how numbers are written. */
import { html } from 'hono/html'
import type { Html } from '../frame.ts'

/** A number with its name; `bad` where somebody should look. */
export interface Tile {
  title: string
  value: string
  bad?: boolean
}

export function tiles(all: readonly Tile[]): Html {
  const each = all.map(
    ({ title, value, bad }) =>
      html`<div class="${bad === true ? 'bad' : ''}"><dt>${title}</dt><dd>${value}</dd></div>`,
  )
  return html`<dl class="tiles">${each}</dl>`
}

/** How the numbers of a chart are written. */
export type Unit = 'per second' | 'seconds' | 'bytes' | 'bytes per second' | 'share' | 'number'

export interface Chart {
  title: string
  unit: Unit
  /** Names of values of a point, and what they are called. */
  lines: Record<string, string>
}

/** The script draws into them. */
export function charts(all: readonly Chart[]): Html {
  const each = all.map(
    ({ title, unit, lines }) =>
      html`<figure><figcaption>${title}</figcaption><div class="plot" data-unit="${unit}" data-lines="${JSON.stringify(lines)}"></div></figure>`,
  )
  return html`<div class="charts">${each}</div>`
}

type Cell = string | { number: string }

export function table(
  title: string,
  columns: readonly Cell[],
  rows: readonly (readonly Cell[])[],
  none: string,
): Html {
  const cell = (tag: 'th' | 'td') => (one: Cell) => {
    const [text, of] = typeof one === 'string' ? [one, ''] : [one.number, 'number']
    return tag === 'th'
      ? html`<th class="${of}" scope="col">${text}</th>`
      : html`<td class="${of}">${text}</td>`
  }
  const body =
    rows.length === 0
      ? html`<p>${none}</p>`
      : html`<div class="scroll"><table><thead><tr>${columns.map(cell('th'))}</tr></thead><tbody>${rows.map((row) => html`<tr>${row.map(cell('td'))}</tr>`)}</tbody></table></div>`
  return html`<section><h2>${title}</h2>${body}</section>`
}

const UNKNOWN = '–'
const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return UNKNOWN
  const power = n < 1 ? 0 : Math.min(BYTES.length - 1, Math.floor(Math.log2(n) / 10))
  return `${rounded(n / 1024 ** power)} ${BYTES[power]}`
}

export function number(n: number | null | undefined): string {
  return n === null || n === undefined ? UNKNOWN : rounded(n)
}

export function share(n: number | null | undefined): string {
  return n === null || n === undefined ? UNKNOWN : `${rounded(n * 100)} %`
}

/** From ms to days, in one unit. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return UNKNOWN
  if (seconds < 1) return `${rounded(seconds * 1000)} ms`
  const units: [number, string][] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ]
  const [size, name] = units.find(([least]) => seconds >= 2 * least) ?? [1, 's']
  return `${rounded(seconds / size)} ${name}`
}

/** Three digits, or all before the point. */
function rounded(n: number): string {
  const digits = n >= 100 || Number.isInteger(n) ? 0 : n >= 10 ? 1 : 2
  return n.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))/g, ' ')
}
