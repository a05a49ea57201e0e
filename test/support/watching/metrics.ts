/** `/metrics` as a test reads it: every line must be of the format. */

/** The value of each series, by its line without the value, such as `selvedge_wakes_total{outcome="taken"}`. */
export type Scraped = ReadonlyMap<string, number>

const LINE =
  /^([a-z][a-z0-9_]*(?:\{[a-z_]+="(?:[^"\\]|\\.)*"(?:,[a-z_]+="(?:[^"\\]|\\.)*")*\})?) (-?[0-9.e+-]+)$/
const COMMENT = /^# (HELP|TYPE) selvedge_[a-z0-9_]+ \S.*$/

export async function scrape(url: string, headers: Record<string, string> = {}): Promise<Scraped> {
  const answer = await fetch(`${url}/metrics`, { headers })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`/metrics answered ${answer.status}: ${text}`)
  return parseMetrics(text)
}

/** @throws Error for a line that is not of the format, or comes twice */
export function parseMetrics(text: string): Scraped {
  const values = new Map<string, number>()
  for (const line of text.trimEnd().split('\n')) {
    if (COMMENT.test(line)) continue
    const [, series, value] = LINE.exec(line) ?? []
    if (series === undefined || value === undefined) throw new Error(`not a line of metrics: ${line}`)
    if (values.has(series)) throw new Error(`twice: ${series}`)
    values.set(series, Number(value))
  }
  return values
}

/** How much a series has grown from one scrape to another; 0 where it was never there. */
export function growth(before: Scraped, after: Scraped): (series: string) => number {
  return (series) => (after.get(series) ?? 0) - (before.get(series) ?? 0)
}
