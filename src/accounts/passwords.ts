/** Password hashes: scrypt, with its parameters beside each hash, in the PHC string format. */
import { type BinaryLike, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import type { Config } from '../ports/config.ts'
import type { Random } from '../ports/system.ts'
import { decodeBase64, encodeBase64 } from '../protocol/base64.ts'
import { MatrixError } from '../protocol/errors.ts'
import { inTurn } from './hash-queue.ts'

/** With rate limits, hashes are made in turn. */
type HashConfig = Pick<Config, 'passwordCost'> & Partial<Pick<Config, 'rateLimits'>>

interface Cost {
  /** The binary logarithm of N. */
  ln: number
  r: number
  p: number
}

const COSTS: Record<Config['passwordCost'], Cost> = {
  normal: { ln: 14, r: 8, p: 5 },
  // Tests make thousands of accounts.
  low: { ln: 10, r: 8, p: 1 },
}

const SALT_BYTES = 16
const HASH_BYTES = 32
const FORMAT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/** How many characters a new password must have, unless told. */
export function defaultMinLength(cost: Config['passwordCost']): number {
  return cost === 'low' ? 1 : 8
}

/**
 * The hash of a new password of somebody.
 * @throws MatrixError M_WEAK_PASSWORD, M_LIMIT_EXCEEDED
 */
export async function newPasswordHash(
  password: string,
  { config, random }: { config: HashConfig & Pick<Config, 'passwordMinLength'>; random: Random },
): Promise<string> {
  const { passwordMinLength: least } = config
  if ([...password].length < least) {
    throw new MatrixError('M_WEAK_PASSWORD', `The password must have at least ${least} characters`)
  }
  return hashPassword(password, { config, random })
}

/** The hash of a password as it is stored. @throws MatrixError M_LIMIT_EXCEEDED when too many are being made */
export async function hashPassword(
  password: string,
  { config, random }: { config: HashConfig; random: Random },
): Promise<string> {
  const cost = COSTS[config.passwordCost]
  const salt = random.bytes(SALT_BYTES)
  const hash = await derived(config, () => derive(password, salt, HASH_BYTES, cost))
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${encodeBase64(salt)}$${encodeBase64(hash)}`
}

/**
 * Whether the password fits the stored hash. Without a hash it does the same work and answers no, so that accounts that
 * do not exist take as long as those that do.
 * @throws MatrixError M_LIMIT_EXCEEDED when too many are being checked
 */
export async function verifyPassword(
  password: string,
  stored: string | undefined,
  config: HashConfig,
): Promise<boolean> {
  const parsed = stored === undefined ? undefined : parseHash(stored)
  const { cost, salt, hash } = parsed ?? decoy(COSTS[config.passwordCost])
  const key = await derived(config, () => derive(password, salt, hash.length, cost))
  return timingSafeEqual(key, hash) && parsed !== undefined
}

function derived(config: HashConfig, derive: () => Promise<Uint8Array>): Promise<Uint8Array> {
  return config.rateLimits === true ? inTurn(derive) : derive()
}

function parseHash(stored: string): { cost: Cost; salt: Uint8Array; hash: Uint8Array } | undefined {
  const [, ln, r, p, salt, hash] = FORMAT.exec(stored) ?? []
  if (salt === undefined || hash === undefined) return undefined
  return {
    cost: { ln: Number(ln), r: Number(r), p: Number(p) },
    salt: decodeBase64(salt),
    hash: decodeBase64(hash),
  }
}

function decoy(cost: Cost) {
  return { cost, salt: new Uint8Array(SALT_BYTES), hash: new Uint8Array(HASH_BYTES) }
}

/** Compares normalised text: the same password may be typed as different code points on another keyboard. */
function derive(password: string, salt: Uint8Array, length: number, { ln, r, p }: Cost): Promise<Uint8Array> {
  const options: ScryptOptions = { N: 2 ** ln, r, p }
  const input: BinaryLike = password.normalize('NFKC')
  return new Promise((resolve, reject) => {
    scrypt(input, salt, length, options, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}
