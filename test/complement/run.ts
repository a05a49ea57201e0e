/**
 * `npm run test:complement -- <folder of a Complement checkout> [package …]`: runs Complement's tests of the client
 * API against this checkout. It needs Go, and no containers. What fails and is not in `known.ts` fails the run.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { projectRoot } from '../../local/paths.ts'
import { KNOWN } from './known.ts'

const PACKAGES = [
  'csapi',
  '.',
  'msc3391',
  'msc3757',
  'msc3874',
  'msc3890',
  'msc3930',
  'msc3967',
  'msc4140',
  'msc4155',
  'msc4222',
  'msc4306',
]

/** Complement makes containers in these places of its `test_main.go`. */
const PATCHES: [from: string, to: string][] = [
  ['= NewTestPackage(namespace)', '= newSelvedgePackage(namespace)'],
  ['defer testPackage.Cleanup()', ''],
  ['testPackage.OldDeploy(t, blueprint)', 'deployBlueprint(t, blueprint)'],
]

interface Outcome {
  test: string
  result: 'pass' | 'fail' | 'skip'
}

/** Go's overlay: files that stand in for those of the checkout, which stays as it is. */
function writeOverlay(complement: string, folder: string): string {
  const main = join(complement, 'test_main.go')
  let source = readFileSync(main, 'utf8')
  for (const [from, to] of PATCHES) {
    if (!source.includes(from)) throw new Error(`${main} is of another version: there is no "${from}"`)
    source = source.replace(from, to)
  }
  const patched = join(folder, 'test_main.go')
  writeFileSync(patched, source)
  const overlay = join(folder, 'overlay.json')
  const deployment = join(projectRoot, 'test/complement/deployment.go')
  const Replace = { [main]: patched, [join(complement, 'selvedge_deployment.go')]: deployment }
  writeFileSync(overlay, JSON.stringify({ Replace }))
  return overlay
}

/** Runs one package; answers the outcome of each test that has no tests within it. */
async function runPackage(complement: string, overlay: string, name: string): Promise<Outcome[]> {
  const go = spawn(
    'go',
    ['test', '-overlay', overlay, '-timeout', '30m', '-count', '1', '-json', `./tests/${name}`],
    {
      cwd: complement,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        COMPLEMENT_SERVER: projectRoot,
        COMPLEMENT_BASE_IMAGE: 'none',
        COMPLEMENT_HOSTNAME_RUNNING_COMPLEMENT: '127.0.0.1',
      },
    },
  )
  const results = new Map<string, Outcome['result']>()
  for await (const line of createInterface({ input: go.stdout })) {
    const { Action: action, Test: test, Output: output } = parseLine(line)
    if (test === undefined && output !== undefined && !/^(PASS|FAIL|ok)\b/.test(output))
      process.stdout.write(output)
    if (test !== undefined && (action === 'pass' || action === 'fail' || action === 'skip'))
      results.set(test, action)
  }
  if (results.size === 0) throw new Error(`no test of ${name} ran`)
  const hasParts = (test: string) => [...results.keys()].some((other) => other.startsWith(`${test}/`))
  return [...results].filter(([test]) => !hasParts(test)).map(([test, result]) => ({ test, result }))
}

function parseLine(line: string): { Action?: string; Test?: string; Output?: string } {
  try {
    return JSON.parse(line)
  } catch {
    return { Output: `${line}\n` }
  }
}

const known = (test: string) => KNOWN.find(([pattern]) => pattern.test(test))?.[1]

async function main([folder, ...names]: string[]): Promise<number> {
  if (folder === undefined || !existsSync(join(folder, 'test_main.go'))) {
    console.error('usage: npm run test:complement -- <folder of a Complement checkout> [package …]')
    return 2
  }
  const complement = resolve(folder)
  const scratch = mkdtempSync(join(tmpdir(), 'complement-'))
  const outcomes: Outcome[] = []
  try {
    const overlay = writeOverlay(complement, scratch)
    for (const name of names.length > 0 ? names : PACKAGES) {
      outcomes.push(...(await runPackage(complement, overlay, name)))
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  const count = (wanted: Outcome['result']) => outcomes.filter(({ result }) => result === wanted).length
  const failed = outcomes.filter(({ result }) => result === 'fail')
  for (const { test } of failed) console.log(`${known(test) ?? 'UNKNOWN'}: ${test}`)
  const unknown = failed.filter(({ test }) => known(test) === undefined)
  const better = outcomes.filter(({ test, result }) => result === 'pass' && known(test) !== undefined)
  for (const { test } of better) console.log(`passes, though known.ts says that it fails: ${test}`)
  console.log(`${count('skip')} skipped, ${failed.length - unknown.length} failed as known`)
  console.log(`${count('pass')} passed, ${unknown.length} failed`)
  return unknown.length === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
