/** `npm run check:production`, run as operators run it, with its reports. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runScript } from '../command.ts'

export const metricsToken = 'the-token-of-the-monitor'

export interface Row {
  name: string
  group: string
  state: string
  note?: string
  series?: { values: number[] }[]
}

/** Runs the check as an operator does, and reads its reports. */
export async function check(
  url: string,
  args: string[],
  env: Record<string, string> = {},
  where = 'production',
) {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-check-'))
  const [json, html] = [join(folder, 'report.json'), join(folder, 'report.html')]
  const all = [where, ...(url === '' ? [] : ['--url', url]), '--json', json, '--html', html, ...args]
  const ran = await runScript('check-server', all, '', { METRICS_TOKEN: metricsToken, ...env })
  const report = ran.code === 2 ? undefined : JSON.parse(readFileSync(json, 'utf8'))
  const checks = (report?.checks ?? []) as Row[]
  const failed = checks.filter(({ state }) => state === 'failed').map(({ name, note }) => `${name}: ${note}`)
  const page = ran.code === 2 ? '' : readFileSync(html, 'utf8')
  rmSync(folder, { recursive: true })
  return { ...ran, report, checks, failed, html: page }
}
