/** Reads a password from standard input: never from the command line, which others on the machine can see. */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { StartError } from '../start-error.ts'

/** The first line; at a terminal it is asked for, and not shown. @throws StartError if there is none */
export async function readPassword(prompt: string): Promise<string> {
  const { stdin, stderr } = process
  const isTerminal = stdin.isTTY === true
  if (isTerminal) stderr.write(prompt)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: nowhere, terminal: isTerminal })
  try {
    for await (const line of lines) {
      if (isTerminal) stderr.write('\n')
      if (line !== '') return line
      break
    }
  } finally {
    lines.close()
    stdin.pause()
  }
  throw new StartError(
    'the password is missing: write it to standard input, as in  printf %s "$password" | …',
    2,
  )
}
