/** The server's secrets on one machine: `keys.json`, made once, readable by its owner alone. */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import * as z from 'zod'
import { StartError } from './start-error.ts'

const secret = z.string().regex(/^[A-Za-z0-9+/]{43}$/, 'not 32 bytes of unpadded base64')

const Keys = z.object({
  server_name: z.string(),
  signing_keys: z.array(z.object({ id: z.string().regex(/^ed25519:[A-Za-z0-9_]+$/), seed: secret })).min(1),
  token_keys: z.array(z.object({ id: z.string().min(1), secret })).min(1),
})

/** Newest first, as the Worker's secrets `SIGNING_KEYS` and `TOKEN_KEYS` hold them. */
export type Keys = z.infer<typeof Keys>

/**
 * The keys in `file`, made now if nothing depends on older ones.
 *
 * @param hasData whether a database already exists whose rooms and tokens were signed by lost keys
 * @throws StartError when they are missing beside a database, unreadable, or another server's
 */
export function loadKeys(file: string, serverName: string, hasData: boolean): Keys {
  if (!existsSync(file)) {
    if (hasData)
      throw new StartError(
        `${file} is missing beside an existing database: put it back, or start with an empty one`,
      )
    return makeKeys(file, serverName)
  }
  const keys = Keys.safeParse(parse(readFileSync(file, 'utf8')))
  if (!keys.success) {
    const { path, message } = keys.error.issues[0]!
    throw new StartError(`${file} is damaged: ${path.join('.')} ${message}`)
  }
  if (keys.data.server_name !== serverName) {
    throw new StartError(`--server-name is ${serverName}, but the data belongs to ${keys.data.server_name}`)
  }
  return keys.data
}

function makeKeys(file: string, serverName: string): Keys {
  const keys: Keys = {
    server_name: serverName,
    signing_keys: [{ id: `ed25519:a_${label()}`, seed: bytes32() }],
    token_keys: [{ id: `k_${label()}`, secret: bytes32() }],
  }
  // Written beside and renamed, so that no crash leaves half a file.
  const beside = `${file}.new`
  const handle = openSync(beside, 'w', 0o600)
  writeSync(handle, `${JSON.stringify(keys, null, 2)}\n`)
  fsyncSync(handle)
  closeSync(handle)
  renameSync(beside, file)
  return keys
}

function label(): string {
  return randomBytes(3).toString('hex')
}

function bytes32(): string {
  return randomBytes(32).toString('base64').replace(/=+$/, '')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
