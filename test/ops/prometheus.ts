/** A real Prometheus over a server of the tests, with the project's own rules. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { projectRoot } from '../../local/paths.ts'
import type { Body } from '../support/client.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/real-servers.ts'

export const OPS = join(projectRoot, 'ops')
export const RULES = join(OPS, 'prometheus/rules')

/** Where a program of Debian's package `prometheus` is; undefined where it is not installed. */
export function programOf(name: 'prometheus' | 'promtool'): string | undefined {
  try {
    return execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

/** A title that says what is missing. */
export function needingPrometheus(title: string): string {
  return programOf('prometheus') === undefined
    ? `${title} (skipped: Debian's package prometheus is not installed)`
    : title
}

export interface AlertRule {
  alert: string
  expr: string
  for?: string
  annotations: { summary: string; runbook: string }
}

export function alertRules(): AlertRule[] {
  const { groups } = parse(readFileSync(join(RULES, 'selvedge.yml'), 'utf8')) as {
    groups: { rules: AlertRule[] }[]
  }
  return groups.flatMap(({ rules }) => rules.filter(({ alert }) => alert !== undefined))
}

export interface Prometheus {
  /** The series that a query finds now. */
  query(expr: string): Promise<{ metric: Record<string, string>; value: number }[]>
  /** The names of the alerts that fire. */
  firing(): Promise<string[]>
  stop(): Promise<void>
}

/** Texts of rules that a test cannot wait for, and what stands in their place. */
export type Shortened = Record<string, string>

/** Starts one that asks a server each two seconds. Alerts fire at once, and with shorter times. */
export async function startPrometheus(
  { url, token }: { url: string; token: string },
  shortened: Shortened,
): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-prometheus-'))
  mkdirSync(join(folder, 'rules'))
  mkdirSync(join(folder, 'targets'))
  writeFileSync(
    join(folder, 'targets/selvedge.json'),
    JSON.stringify([{ targets: [new URL(url).host], labels: {} }]),
  )
  writeFileSync(join(folder, 'token'), token)
  writeFileSync(join(folder, 'rules/selvedge.yml'), shortenedRules(shortened))
  const config = parse(readFileSync(join(OPS, 'prometheus/prometheus.yml'), 'utf8')) as Body
  // A scrape waits a second for a store that hangs, so its own time is longer.
  config.global = { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '1s' }
  // As the comment in the file says.
  config.scrape_configs[0].authorization = { credentials_file: join(folder, 'token') }
  writeFileSync(join(folder, 'prometheus.yml'), stringify(config))
  const port = await freePort()
  const child = spawn(
    programOf('prometheus')!,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const ask = async (path: string): Promise<Body> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`)
    const { status, data, error } = (await answer.json()) as Body
    if (status !== 'success') throw new Error(`${path}: ${error}`)
    return data
  }
  await eventually(
    () => fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined),
    (answer) => answer?.ok === true,
    30_000,
  )
  return {
    async query(expr) {
      const { result } = await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`)
      return result.map(({ metric, value }: Body) => ({ metric, value: Number(value[1]) }))
    },
    async firing() {
      const { alerts } = await ask('/api/v1/alerts')
      const names = alerts
        .filter(({ state }: Body) => state === 'firing')
        .map(({ labels }: Body) => labels.alertname)
      return [...new Set<string>(names)].sort()
    },
    async stop() {
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function shortenedRules(shortened: Shortened): string {
  let text = readFileSync(join(RULES, 'selvedge.yml'), 'utf8').replace(/^ +for: .*\n/gm, '')
  for (const [long, short] of Object.entries(shortened)) {
    if (!text.includes(long)) throw new Error(`no rule has ${long}`)
    text = text.replaceAll(long, short)
  }
  return text
}
