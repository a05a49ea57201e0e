/** Small plots as SVG, made of figures alone. */
import type { Series } from '../check.ts'

const [WIDTH, HEIGHT, PAD] = [320, 90, 6]

export const escaped = (text: string) =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

/** Each value in its order, as a line, from zero up. */
export function linePlot({ values, unit }: Series): string {
  const most = Math.max(1, ...values)
  const x = (index: number) => PAD + (index * (WIDTH - 2 * PAD)) / Math.max(1, values.length - 1)
  const y = (value: number) => HEIGHT - PAD - (value * (HEIGHT - 2 * PAD)) / most
  const points = values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`)
  const dots = values.map(
    (value, index) =>
      `<circle cx="${x(index).toFixed(1)}" cy="${y(value).toFixed(1)}" r="2"><title>${value} ${unit}</title></circle>`,
  )
  return `<svg class="line" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${values.length} values, at most ${most} ${unit}">
<line x1="${PAD}" y1="${HEIGHT - PAD}" x2="${WIDTH - PAD}" y2="${HEIGHT - PAD}" class="axis"/>
<polyline points="${points.join(' ')}"/>${dots.join('')}
</svg>`
}

/** A bar as long as a share of the most. */
export function bar(value: number, most: number): string {
  const share = Math.max(0.5, (100 * value) / Math.max(1, most))
  return `<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="${share.toFixed(1)}" height="8"/></svg>`
}

/** The middle, the slow twentieth and the slowest of some values. */
export function quantiles(values: readonly number[]): { p50: number; p95: number; max: number } {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return { p50: at(0.5), p95: at(0.95), max: sorted.at(-1) ?? 0 }
}
