/** Go's overlay: files that stand in for those of a Complement checkout, which stays as it is. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../local/paths.ts'

/**
 * What stands for hs1, hs2 and so on. These are found without DNS, and have no port: the lists of a room's servers
 * (`m.room.server_acl`) name hosts alone. All of 127.0.0.0/8 is this machine on Linux.
 */
export const SERVER_NAMES = ['127.0.1.1', '127.0.1.2', '127.0.1.3']

/** Complement makes containers in these places of its `test_main.go`. */
const PATCHES: [from: string, to: string][] = [
  ['= NewTestPackage(namespace)', '= newSelvedgePackage(namespace)'],
  ['defer testPackage.Cleanup()', 'defer stopKept()'],
  ['testPackage.OldDeploy(t, blueprint)', 'deployBlueprint(t, blueprint)'],
]

/** Writes the overlay into `folder`; answers the path for `go test -overlay`. */
export function writeOverlay(complement: string, folder: string): string {
  const Replace: Record<string, string> = {}
  const replace = (path: string, source: string) => {
    const other = join(folder, `${Object.keys(Replace).length}.go`)
    writeFileSync(other, source)
    Replace[path] = other
  }
  const main = join(complement, 'test_main.go')
  replace(main, patched(main))
  for (const file of ['deployment.go', 'server.go']) {
    Replace[join(complement, `selvedge_${file}`)] = join(projectRoot, 'test/complement', file)
  }
  for (const file of readdirSync(join(complement, 'tests'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.go')) continue
    const path = join(complement, 'tests', file)
    const source = readFileSync(path, 'utf8')
    const named = withNames(source)
    if (named !== source) replace(path, named)
  }
  const overlay = join(folder, 'overlay.json')
  writeFileSync(overlay, JSON.stringify({ Replace }))
  return overlay
}

function patched(path: string): string {
  let source = readFileSync(path, 'utf8')
  for (const [from, to] of PATCHES) {
    if (!source.includes(from)) throw new Error(`${path} is of another version: there is no "${from}"`)
    source = source.replace(from, to)
  }
  return source
}

/** Tests write `hs1` both for Complement's own word for a server and for its name, in aliases and addresses too. */
function withNames(source: string): string {
  return SERVER_NAMES.reduce((text, name, index) => {
    const word = `hs${index + 1}`
    return text
      .replace(new RegExp(`(?<=["/:])${word}(?=["/])`, 'g'), name)
      .replaceAll(`signatures.${word}.`, `signatures.${name.replaceAll('.', '\\\\.')}.`)
  }, source)
}
