/** Watches the answers that a test file sees: judges each, and counts which operations were exercised. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, inject } from 'vitest'
import { type Judge, judgeBy } from '../../local/contract/judge.ts'
import { isProposal, type Match, matcher } from '../../local/contract/match.ts'
import type { Spec } from '../../local/contract/spec.ts'
import { projectRoot } from '../../local/paths.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Absent where the specification is not at hand. */
    contract?: { spec: string; seen: string }
  }
}

/** What a test file saw: how often each operation was answered with each status. */
export interface Seen {
  file: string
  answers: number
  operations: Record<string, Record<string, number>>
}

export interface Exchange {
  method: string
  url: string
  status: number
  contentType: string
  body: unknown
}

interface Watch {
  match: Match
  judge: Judge
}

const contract = inject('contract')
const operations: Seen['operations'] = {}
let answers = 0
let violations: string[] = []
let watch: Watch | undefined

/** What the test hooks answer when they cut a Worker off, as nobody would hear it in truth. */
const CUT_OFF = 499

/** Notes an answer under `/_matrix/` or `/.well-known/`, and what it breaks. */
export function watchAnswer({ method, url, status, contentType, body }: Exchange): void {
  const { pathname, searchParams } = new URL(url)
  if (contract === undefined || status === CUT_OFF || !/^\/(_matrix|\.well-known)\//.test(pathname)) return
  watch ??= open(contract.spec)
  const operation = isProposal(searchParams) ? undefined : watch.match(method, pathname)
  answers += 1
  if (operation !== undefined && !isUnknownEndpoint(body)) {
    operations[operation.id] ??= {}
    const statuses = operations[operation.id]!
    statuses[status] = (statuses[status] ?? 0) + 1
  }
  const broken = watch.judge({ status, contentType, body }, operation)
  if (broken.length === 0) return
  const test = expect.getState().currentTestName ?? 'outside of a test'
  const lines = broken.map((sentence) => `  ${sentence}`)
  violations.push(
    [`${operation?.id ?? `${method} ${pathname}`} answered ${status} in "${test}"`, ...lines].join('\n'),
  )
}

/** @throws Error listing what answers broke since this was last asked */
export function throwViolations(): void {
  const found = [...new Set(violations)]
  violations = []
  if (found.length > 0) throw new Error(`The specification's schemas are broken:\n${found.join('\n')}`)
}

/** Leaves what this file saw to the report at the end of the run. */
export function writeSeen(): void {
  if (contract === undefined || answers === 0) return
  const file = relative(projectRoot, expect.getState().testPath ?? 'unknown')
  const seen: Seen = { file, answers, operations }
  writeFileSync(join(contract.seen, `${file.replaceAll('/', '+')}.json`), JSON.stringify(seen))
}

function open(file: string): Watch {
  const spec = JSON.parse(readFileSync(file, 'utf8')) as Spec
  return { match: matcher(spec.operations), judge: judgeBy(spec) }
}

const isUnknownEndpoint = (body: unknown) =>
  typeof body === 'object' && body !== null && 'errcode' in body && body.errcode === 'M_UNRECOGNIZED'
