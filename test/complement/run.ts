/**
 * `npm run test:complement -- <folder of a Complement checkout> [package …]`: runs Complement's tests against servers of
 * this checkout that reach each other. It needs Go, and no containers. `package:TestName` runs the tests of a package whose
 * names match. What fails and is not in `known.ts` fails the run.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { goTest, type Outcome } from './go-test.ts'
import { knownReason } from './known.ts'
import { writeOverlay } from './overlay.ts'

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

async function main([folder, ...names]: string[]): Promise<number> {
  if (folder === undefined || !existsSync(join(folder, 'test_main.go'))) {
    console.error('usage: npm run test:complement -- <folder of a Complement checkout> [package …]')
    return 2
  }
  const complement = resolve(folder)
  const scratch = mkdtempSync(join(tmpdir(), 'complement-'))
  const servers = join(scratch, 'servers')
  mkdirSync(servers)
  const overlay = writeOverlay(complement, scratch)
  const outcomes: Outcome[] = []
  for (const name of names.length > 0 ? names : PACKAGES) {
    outcomes.push(...(await goTest(name, { complement, overlay, servers })))
  }
  const isGood = report(outcomes)
  if (isGood) rmSync(scratch, { recursive: true, force: true })
  else console.log(`what the servers of failed tests had: ${servers}`)
  return isGood ? 0 : 1
}

/** Says what failed; answers whether all of that is known. */
function report(outcomes: readonly Outcome[]): boolean {
  const failed = outcomes.filter(({ result }) => result === 'fail')
  const unknown = failed.filter(({ test }) => knownReason(test) === undefined)
  const better = outcomes.filter(({ test, result }) => result === 'pass' && knownReason(test) !== undefined)
  for (const { test, output } of unknown) console.log(`--- ${test}\n${output}`)
  for (const { test } of failed) console.log(`${knownReason(test) ?? 'UNKNOWN'}: ${test}`)
  for (const { test } of better) console.log(`passes, though known.ts says that it fails: ${test}`)
  const count = (wanted: Outcome['result']) => outcomes.filter(({ result }) => result === wanted).length
  console.log(`${count('skip')} skipped, ${failed.length - unknown.length} failed as known`)
  console.log(`${count('pass')} passed, ${unknown.length} failed`)
  return unknown.length === 0
}

process.exitCode = await main(process.argv.slice(2))
