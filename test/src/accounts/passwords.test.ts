/** Password hashes. */
import { type ScryptOptions, scrypt } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { hashPassword, newPasswordHash, verifyPassword } from '../../../src/accounts/passwords.ts'
import { systemRandom } from '../../../src/system.ts'

const low = { passwordCost: 'low' as const }
const normal = { passwordCost: 'normal' as const }

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>()
  return { ...crypto, scrypt: vi.fn(crypto.scrypt) }
})

/** What scrypt was asked for meanwhile: its parameters, and how long a key. */
async function workOf(work: () => Promise<unknown>): Promise<unknown[]> {
  vi.mocked(scrypt).mockClear()
  await work()
  const calls = vi.mocked(scrypt).mock.calls as unknown as [string, Uint8Array, number, ScryptOptions][]
  return calls.map(([, , length, options]) => ({ length, ...options }))
}

describe('passwords', () => {
  it('accepts the password and no other', async () => {
    const stored = await hashPassword('pässword 🔑', { config: low, random: systemRandom })
    expect(await verifyPassword('pässword 🔑', stored, low)).toBe(true)
    expect(await verifyPassword('passwort', stored, low)).toBe(false)
    expect(await verifyPassword('', stored, low)).toBe(false)
  })

  it('counts the characters of a new one, even those of two UTF-16 units', async () => {
    const config = { ...low, passwordMinLength: 4 }
    const made = (password: string) => newPasswordHash(password, { config, random: systemRandom })
    await expect(made('🔑🔑🔑')).rejects.toMatchObject({ errcode: 'M_WEAK_PASSWORD' })
    expect(await verifyPassword('🔑🔑🔑🔑', await made('🔑🔑🔑🔑'), low)).toBe(true)
  })

  it('takes the cost from the hash, so that a new setting keeps old passwords', async () => {
    const stored = await hashPassword('secret', { config: low, random: systemRandom })
    expect(await verifyPassword('secret', stored, normal)).toBe(true)
  })

  it('hashes at N=16384, r=8, p=5 in production, with a salt of its own each time', async () => {
    const first = await hashPassword('secret', { config: normal, random: systemRandom })
    const second = await hashPassword('secret', { config: normal, random: systemRandom })
    expect(first).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$/)
    expect(first).not.toBe(second)
    expect(await verifyPassword('secret', second, low)).toBe(true)
  })

  it('computes scrypt as RFC 7914 does', async () => {
    // RFC 7914 §12, second vector: "password", "NaCl", N=1024, r=8, p=16, shortened to its first 32 bytes.
    const stored = '$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWI'
    expect(await verifyPassword('password', stored, low)).toBe(true)
  })

  it('reads the same password from composed and from combining letters', async () => {
    const stored = await hashPassword('caf\u00e9', { config: low, random: systemRandom })
    expect(await verifyPassword('cafe\u0301', stored, low)).toBe(true)
  })

  it('refuses everything if there is no hash or an unreadable one, after the same work', async () => {
    expect(await verifyPassword('secret', undefined, low)).toBe(false)
    expect(await verifyPassword('secret', '$2b$12$somethingelse', low)).toBe(false)
    const stored = await hashPassword('secret', { config: normal, random: systemRandom })
    const wrong = await workOf(() => verifyPassword('wrong', stored, normal))
    expect(wrong).toEqual([{ length: 32, N: 16_384, r: 8, p: 5 }])
    expect(await workOf(() => verifyPassword('secret', undefined, normal))).toEqual(wrong)
    expect(await workOf(() => verifyPassword('secret', '$2b$12$somethingelse', normal))).toEqual(wrong)
  })
})
