/** The server's secrets on one machine: `keys.json`, made once, readable by its owner alone. */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import * as z from 'zod'
import { StartError } from './start-error.ts'

const secret = z.string().regex(/^[A-Za-z0-9+/]{43}$/, 'not 32 bytes of unpadded base64')

/** Both lists, newest first. */
export const SecretLists = z.object({
  signing_keys: z
    .array(
      z.object({
        id: z.string().regex(/^ed25519:[A-Za-z0-9_]+$/),
        seed: secret,
        /** When another took its place, ms: it signs nothing more. */
        expired_ts: z.int().min(0).optional(),
      }),
    )
    .min(1)
    .refine(([newest]) => newest?.expired_ts === undefined, 'begins with a key that has ended'),
  token_keys: z
    .array(z.object({ id: z.string().min(1), secret, retired: z.boolean().optional() }))
    .min(1)
    .refine(([newest]) => newest?.retired !== true, 'begins with a retired key'),
})

const Keys = SecretLists.extend({
  server_name: z.string(),
  /** Which server this is: its other parts carry the same. Versions before 0.1 wrote none. */
  instance_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional(),
})

/** Newest first, as the Worker's secrets `SIGNING_KEYS` and `TOKEN_KEYS` hold them. */
export type Keys = z.infer<typeof Keys>

/**
 * The keys in `file`; undefined where there are none yet.
 *
 * @throws StartError when they are unreadable
 */
export function readKeys(file: string): Keys | undefined {
  if (!existsSync(file)) return undefined
  const keys = Keys.safeParse(parse(readFileSync(file, 'utf8')))
  if (!keys.success) {
    const { path, message } = keys.error.issues[0]!
    throw new StartError(`${file} is damaged: ${path.join('.')} ${message}`)
  }
  return keys.data
}

/** @throws StartError when the keys belong to a server of another name */
export function requireServerName(keys: Keys, serverName: string): void {
  if (keys.server_name === serverName) return
  throw new StartError(`--server-name is ${serverName}, but the data belongs to ${keys.server_name}`)
}

/** New keys for a new server, written to `file`. */
export function makeKeys(file: string, serverName: string): Keys {
  const keys: Keys = {
    server_name: serverName,
    instance_id: newInstanceId(),
    signing_keys: [newSigningKey()],
    token_keys: [newTokenKey()],
  }
  writeKeys(file, keys)
  return keys
}

/** Writes the keys so that no crash leaves half a file: beside it, then renamed. */
export function writeKeys(file: string, keys: Keys): void {
  writePrivate(file, keys)
}

/** The same for other secrets: readable by the owner alone. */
export function writePrivate(file: string, value: unknown): void {
  const beside = `${file}.new`
  const handle = openSync(beside, 'w', 0o600)
  writeSync(handle, `${JSON.stringify(value, null, 2)}\n`)
  fsyncSync(handle)
  closeSync(handle)
  renameSync(beside, file)
}

export function newInstanceId(): string {
  return `i_${randomBytes(9).toString('hex')}`
}

export function newSigningKey(): Keys['signing_keys'][number] {
  return { id: `ed25519:a_${label()}`, seed: bytes32() }
}

export function newTokenKey(): Keys['token_keys'][number] {
  return { id: `k_${label()}`, secret: bytes32() }
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
