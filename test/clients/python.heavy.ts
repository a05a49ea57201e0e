/**
 * The Matrix libraries of Python that most bots and bridges stand on, each with its own encryption: two people talk in
 * an encrypted room, the server is killed and comes back, and they go on.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { api, testPassword } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'

const LIBRARIES = [
  { name: 'matrix-nio', script: 'nio_pair.py', packages: ['matrix-nio[e2e]==0.26.0'] },
  { name: 'mautrix-python', script: 'mautrix_pair.py', packages: ['mautrix[encryption]==0.21.1'] },
]
const scripts = fileURLToPath(new URL('./python/', import.meta.url))

/** A Python that can make environments; undefined where there is none. */
const python = ['python3', 'python'].find((program) => {
  try {
    execFileSync(program, ['-c', 'import venv, ensurepip, sys; assert sys.version_info >= (3, 10)'], {
      stdio: 'ignore',
    })
    return true
  } catch {
    return false
  }
})

let folder: string

/** The library in an environment of its own; undefined where it cannot be had. */
function installed({ name, packages }: (typeof LIBRARIES)[number]): string | undefined {
  const environment = join(folder, name)
  try {
    execFileSync(python!, ['-m', 'venv', environment], { stdio: 'pipe' })
    const own = join(environment, 'bin', 'python')
    execFileSync(own, ['-m', 'pip', 'install', '--quiet', ...packages], { stdio: 'pipe', timeout: 240_000 })
    return existsSync(own) ? own : undefined
  } catch (error) {
    console.log(
      `${name} cannot be installed: ${String((error as { stderr?: Buffer }).stderr ?? error).trim()}`,
    )
    return undefined
  }
}

/** Runs a script; answers what it says, line by line, and at its end throws what it complained of. */
async function* lines(child: ChildProcess): AsyncGenerator<string> {
  let complaints = ''
  child.stderr!.on('data', (text) => {
    complaints += text
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  yield* createInterface({ input: child.stdout! })
  const code = await ended
  if (code !== 0) throw new Error(`ended with ${code}: ${complaints.slice(-4_000)}`)
}

describe.skipIf(python === undefined)(
  python === undefined
    ? 'libraries of Python (skipped: python3 with venv is not installed)'
    : 'a library of Python',
  () => {
    let server: TestServer

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'selvedge-python-'))
    })
    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    it.for(LIBRARIES)(
      '$name: two people talk in an encrypted room, before and after a restart',
      async (library, { skip }) => {
        const own = installed(library)
        if (own === undefined) return skip(`${library.name} cannot be installed here`)
        server = await startServer()
        const script = spawn(own, [join(scripts, library.script), server.url, testPassword], {
          env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
        })
        try {
          const http = api(server)
          await http.register('alice')
          await http.register('bob')
          const said: string[] = []
          for await (const line of lines(script)) {
            said.push(line)
            if (line !== 'before') continue
            await server.restart()
            script.stdin!.write('restarted\n')
          }
          expect(said).toEqual(['before', 'after'])
        } finally {
          script.kill()
          await server.stop()
        }
      },
    )
  },
)
