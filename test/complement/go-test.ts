/** Runs one package of Complement's tests, and reads what `go test -json` says of it. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { projectRoot } from '../../local/paths.ts'
import { SERVER_NAMES } from './overlay.ts'

export interface Outcome {
  test: string
  result: 'pass' | 'fail' | 'skip'
  /** What the test said. */
  output: string
}

export interface Folders {
  complement: string
  overlay: string
  /** Where servers keep their data, and what is left of those of failed tests. */
  servers: string
}

/**
 * The outcome of each test that has no tests within it, and of those that failed on their own.
 * @param asked a package, or `package:names` with a regular expression of Go's for the names of tests
 */
export async function goTest(asked: string, folders: Folders): Promise<Outcome[]> {
  const [name, tests = ''] = asked.split(':')
  const go = spawn(
    'go',
    [
      'test',
      '-overlay',
      folders.overlay,
      '-timeout',
      '90m',
      '-count',
      '1',
      '-json',
      '-run',
      tests,
      `./tests/${name}`,
    ],
    {
      cwd: folders.complement,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        TMPDIR: folders.servers,
        COMPLEMENT_SERVER: projectRoot,
        COMPLEMENT_SERVER_NAMES: SERVER_NAMES.join(' '),
        COMPLEMENT_BASE_IMAGE: 'none',
        COMPLEMENT_HOSTNAME_RUNNING_COMPLEMENT: '127.0.0.1',
      },
    },
  )
  const results = new Map<string, Outcome['result']>()
  const outputs = new Map<string, string>()
  for await (const line of createInterface({ input: go.stdout })) {
    const { Action: action, Test: test, Output: output = '' } = parseLine(line)
    if (output.startsWith('panic: ')) results.set(`${name}, which ended early`, 'fail')
    if (test === undefined) {
      if (!/^(PASS|FAIL|ok)\b/.test(output)) process.stdout.write(output)
      continue
    }
    outputs.set(test, (outputs.get(test) ?? '') + output)
    if (action !== 'pass' && action !== 'fail' && action !== 'skip') continue
    results.set(test, action)
    if (!test.includes('/')) console.log(`${action} ${test}`)
  }
  if (results.size === 0) throw new Error(`no test of ${name} ran`)
  return outcomesOf(results, outputs)
}

function outcomesOf(
  results: ReadonlyMap<string, Outcome['result']>,
  outputs: ReadonlyMap<string, string>,
): Outcome[] {
  const all = [...results]
  const isTold = ([test, result]: (typeof all)[number]) => {
    const parts = all.filter(([other]) => other.startsWith(`${test}/`))
    return parts.length === 0 || (result === 'fail' && !parts.some(([, result]) => result === 'fail'))
  }
  return all.filter(isTold).map(([test, result]) => ({ test, result, output: withParents(outputs, test) }))
}

/** What a test said, and before it what those said that it is a part of: what a part needs is often made there. */
function withParents(outputs: ReadonlyMap<string, string>, test: string): string {
  const parts = test.split('/')
  return parts.map((_, n) => outputs.get(parts.slice(0, n + 1).join('/')) ?? '').join('')
}

function parseLine(line: string): { Action?: string; Test?: string; Output?: string } {
  try {
    return JSON.parse(line)
  } catch {
    return { Output: `${line}\n` }
  }
}
