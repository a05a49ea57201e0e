/** A backup as one file: packed and unpacked by the system's own tar. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { codeOf, messageOf, StartError } from '../start-error.ts'

const run = promisify(execFile)

/** Whether a path names a packed backup, or is to become one. */
export const isPacked = (path: string): boolean => /\.(tar\.gz|tgz)$/.test(path)

/** Packs what lies in `folder` into a file that must not be there yet. @throws StartError */
export async function pack(folder: string, file: string): Promise<void> {
  await tar(['--create', '--gzip', '--file', file, '--directory', folder, '.'], `${file} cannot be written`)
}

/** @throws StartError where the file is no packed backup */
export async function unpack(file: string, folder: string): Promise<void> {
  const args = ['--extract', '--gzip', '--no-same-owner', '--file', file, '--directory', folder]
  await tar(args, `${file} cannot be unpacked`)
}

async function tar(args: string[], failure: string): Promise<void> {
  try {
    await run('tar', args)
  } catch (error) {
    if (codeOf(error) === 'ENOENT')
      throw new StartError('the program tar is missing: install it, or name a folder')
    const { stderr = '' } = error as { stderr?: string }
    throw new StartError(`${failure}: ${stderr.trim().split('\n')[0] || messageOf(error)}`)
  }
}
