/** The file of `--token-issuers`: read and checked before anything is started. */
import { readFileSync } from 'node:fs'
import { TokenIssuers } from '../src/accounts/tokens/issuers.ts'
import { messageOf, StartError } from './start-error.ts'

/** The file's text for the Worker; nothing where there is no file. @throws StartError that shows nothing of its secrets */
export function tokenIssuersOf(file: string | undefined): string {
  if (file === undefined) return ''
  const text = contentOf(file)
  const checked = TokenIssuers.safeParse(parsed(text, file))
  if (checked.success) return text
  const problems = checked.error.issues.map(({ path, message }) => [...path.map(String), message].join(': '))
  throw new StartError(`--token-issuers ${file}: ${problems.join('; ')}`, 2)
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new StartError(`--token-issuers ${file} cannot be read: ${messageOf(error)}`, 2)
  }
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new StartError(`--token-issuers ${file} is not JSON`, 2)
  }
}
