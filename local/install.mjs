/** Installs the pinned packages where they are missing. Runs under any Node since 20, before there is anything else. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const atRoot = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))

/** The pinned Node: the machine's own may be older. */
export const pinnedNode = atRoot('node_modules/.bin/node')

/** Makes node_modules what the lockfile says, or ends the process with one line. */
export function install() {
  if (isInstalled()) return
  const unwritable = [root, atRoot('node_modules')].find((path) => existsSync(path) && !isWritable(path))
  if (unwritable !== undefined) {
    console.error(
      `selvedge: packages are missing, and ${unwritable} may not be written: run npm ci as its owner`,
    )
    process.exit(1)
  }
  console.error('selvedge: installing packages, once')
  const npm = process.env.npm_execpath
  // Without --include=dev, NODE_ENV=production would leave Node itself and the runtime out.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  const [command, ...before] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm']
  const { status } = spawnSync(command, [...before, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
  if (status === 0 && isInstalled()) {
    // It saves the first start some seconds, which can do without it.
    spawnSync(pinnedNode, [atRoot('local/postgres/make-template.ts')], { stdio: 'ignore' })
    return
  }
  console.error('selvedge: the packages could not be installed: run npm ci and read what it says')
  process.exit(1)
}

function isWritable(path) {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Compares npm's record of what it installed with the lockfile. */
function isInstalled() {
  const record = atRoot('node_modules/.package-lock.json')
  if (!existsSync(record) || !existsSync(pinnedNode)) return false
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages
  const wanted = JSON.parse(readFileSync(atRoot('package-lock.json'), 'utf8')).packages
  return Object.entries(wanted).every(
    // Optional packages are those of other machines: npm leaves them out.
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  )
}
