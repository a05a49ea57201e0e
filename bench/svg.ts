/** The few SVG elements the plot is drawn with. */

type Attributes = Record<string, string | number>

const FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"

/** A whole document on a white ground, readable wherever it is embedded. */
export function documentOf(width: number, height: number, title: string, parts: readonly string[]): string {
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="${FONT}">`
  const ground = element('rect', { width, height, fill: '#ffffff' })
  return `${open}\n<title>${escapeText(title)}</title>\n${[ground, ...parts].join('\n')}\n</svg>\n`
}

export function rect(x: number, y: number, width: number, height: number, extra: Attributes): string {
  return element('rect', { x: round(x), y: round(y), width: round(width), height: round(height), ...extra })
}

export function line(x1: number, y1: number, x2: number, y2: number, extra: Attributes): string {
  return element('line', { x1: round(x1), y1: round(y1), x2: round(x2), y2: round(y2), ...extra })
}

export function circle(cx: number, cy: number, r: number, extra: Attributes): string {
  return element('circle', { cx: round(cx), cy: round(cy), r, ...extra })
}

export function text(x: number, y: number, content: string, extra: Attributes = {}): string {
  const attributes = { x: round(x), y: round(y), 'font-size': 12, fill: '#1f2937', ...extra }
  return element('text', attributes, escapeText(content))
}

function element(name: string, attributes: Attributes, content?: string): string {
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeText(String(value))}"`)
  return content === undefined
    ? `<${name}${pairs.join('')}/>`
    : `<${name}${pairs.join('')}>${content}</${name}>`
}

function escapeText(value: string): string {
  return value.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
