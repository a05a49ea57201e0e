/** The system users that services run as if the stack is root's, and the files that must be theirs. */
import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { StartError } from '../start-error.ts'
import type { Service, Stack } from './service.ts'

export interface Identity {
  name: string
  uid: number
  gid: number
}

/** The user that a service runs as; undefined: the user that runs the stack. */
export function identityOf({ user }: Pick<Service, 'user'>): Identity | undefined {
  if (user === undefined || process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: 'pipe' }))
  try {
    return { name: user, uid: id('-u'), gid: id('-g') }
  } catch {
    // The package that makes the user is not Debian's.
    return undefined
  }
}

/** A folder of a service's own. */
export function ownFolder(path: string, as: Identity | undefined): string {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if (as !== undefined) chownSync(path, as.uid, as.gid)
  return path
}

/** A file that only its service may read: passwords may be in it. */
export function ownFile(path: string, text: string, as: Identity | undefined): string {
  writeFileSync(path, text, { mode: 0o600 })
  if (as !== undefined) chownSync(path, as.uid, as.gid)
  return path
}

/** @throws StartError where a service's user could not come to its files */
export function requireWalkable({ folder }: Pick<Stack, 'folder'>, as: Identity | undefined): void {
  if (as === undefined) return
  for (let path = folder; path !== dirname(path); path = dirname(path)) {
    if ((statSync(path).mode & 0o001) !== 0) continue
    throw new StartError(
      `the user ${as.name} may not walk through ${path}: name a folder elsewhere by --folder, such as /srv/selvedge-stack`,
    )
  }
}
