/** Accounts and registration tokens in Postgres. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Account, AccountStore } from '../../../src/ports/accounts.ts'
import { postgresAccounts } from '../../../src/storage/postgres/accounts.ts'
import { postgres } from '../../../src/storage/postgres/client.ts'
import { world } from '../../support/world.ts'
import { databases, type OpenDatabase } from './databases.ts'

let database: OpenDatabase
let accounts: AccountStore

const account = (localpart: string, changes: Partial<Account> = {}): Account => ({
  localpart,
  passwordHash: '$scrypt$ln=10,r=8,p=1$c2FsdA$aGFzaA',
  admin: false,
  deactivated: false,
  guest: false,
  createdTs: 1_700_000_000_123,
  createdBySession: 'session1',
  ...changes,
})

async function token(name: string, uses: number | null, expires: number | null = null) {
  const text = 'insert into registration_tokens (token, uses_allowed, expires_ts) values ($1, $2, $3)'
  await database.sql.query(text, [name, uses, expires])
}

for (const { title, skip, open } of databases) {
  describe.skipIf(skip)(`on ${title}`, () => {
    beforeAll(async () => {
      database = await open()
      accounts = postgresAccounts(database.sql)
    })
    afterAll(() => database.close())

    describe('accounts', () => {
      it('come back as they were made', async () => {
        const alice = account('alice', { admin: true })
        const bridge = account('bridge', { passwordHash: null, createdBySession: null, deactivated: true })
        expect(await accounts.create(alice)).toBe('created')
        expect(await accounts.create(bridge)).toBe('created')
        expect(await accounts.find('alice')).toEqual(alice)
        expect(await accounts.find('bridge')).toEqual(bridge)
        expect(await accounts.find('nobody')).toBeUndefined()
      })

      it('keep their name, deactivated or not', async () => {
        await accounts.create(account('gone', { deactivated: true }))
        expect(await accounts.create(account('gone', { admin: true }))).toBe('taken')
        expect(await accounts.find('gone')).toMatchObject({ admin: false, deactivated: true })
      })

      it('are made once when many ask at once', async () => {
        const outcomes = await Promise.all(Array.from({ length: 5 }, () => accounts.create(account('race'))))
        expect(outcomes.toSorted()).toEqual(['created', 'taken', 'taken', 'taken', 'taken'])
      })
    })

    describe('accounts of another system', () => {
      const ofSchool = (subject: string) => ({ issuer: 'https://school.example', subject })

      it('are found by its subject, which has one account', async () => {
        expect(await accounts.create(account('ann'), { subject: ofSchool('Ann') })).toBe('created')
        expect(await accounts.findBySubject(ofSchool('Ann'))).toMatchObject({ localpart: 'ann' })
        expect(await accounts.findBySubject(ofSchool('ann'))).toBeUndefined()
        expect(await accounts.findBySubject({ issuer: 'other', subject: 'Ann' })).toBeUndefined()
        expect(await accounts.create(account('ann'), { subject: ofSchool('ANN') })).toBe('taken')
        expect(await accounts.findBySubject(ofSchool('ANN'))).toBeUndefined()
      })

      it('may have been made here, but not by another system, nor for an administrator or a guest', async () => {
        await accounts.create(account('ben'))
        await accounts.create(account('root', { admin: true }))
        await accounts.create(account('visitor', { guest: true }))
        await accounts.create(account('closed', { deactivated: true }))
        expect(await accounts.link('ben', ofSchool('Ben'))).toBe(true)
        expect(await accounts.link('ben', { issuer: 'other', subject: 'Ben' })).toBe(false)
        expect(await accounts.findBySubject(ofSchool('Ben'))).toMatchObject({ localpart: 'ben' })
        for (const name of ['root', 'visitor', 'closed', 'nobody']) {
          expect(await accounts.link(name, ofSchool(name))).toBe(false)
        }
        await accounts.create(account('benjamin'))
        expect(await accounts.link('benjamin', ofSchool('Ben'))).toBe(false)
      })

      it('are nobody’s once they are erased', async () => {
        await accounts.create(account('eve'), { subject: ofSchool('Eve') })
        await accounts.deactivate('@eve:test.example', false)
        expect(await accounts.findBySubject(ofSchool('Eve'))).toMatchObject({ deactivated: true })
        await accounts.deactivate('@eve:test.example', true)
        expect(await accounts.findBySubject(ofSchool('Eve'))).toBeUndefined()
      })
    })

    describe('registration tokens', () => {
      it('are good for as many accounts as they allow, and a taken name uses none up', async () => {
        await token('twice', 2)
        expect(await accounts.create(account('t1'), { registrationToken: 'twice' })).toBe('created')
        expect(await accounts.create(account('t1'), { registrationToken: 'twice' })).toBe('taken')
        expect(await accounts.registrationTokenValid('twice', 0)).toBe(true)
        expect(await accounts.create(account('t2'), { registrationToken: 'twice' })).toBe('created')
        expect(await accounts.registrationTokenValid('twice', 0)).toBe(false)
        expect(await accounts.create(account('t3'), { registrationToken: 'twice' })).toBe('token_spent')
        expect(await accounts.find('t3')).toBeUndefined()
      })

      it('end at their time, and unknown ones are refused', async () => {
        await token('dated', null, 1_700_000_000_200)
        expect(await accounts.registrationTokenValid('dated', 1_700_000_000_199)).toBe(true)
        expect(await accounts.registrationTokenValid('dated', 1_700_000_000_200)).toBe(false)
        expect(await accounts.create(account('u1'), { registrationToken: 'dated' })).toBe('created')
        expect(
          await accounts.create(account('u2', { createdTs: 1_700_000_000_300 }), {
            registrationToken: 'dated',
          }),
        ).toBe('token_spent')
        expect(await accounts.create(account('u3'), { registrationToken: 'unknown' })).toBe('token_spent')
      })
    })
  })
}

describe('a database that fails', () => {
  const over = (send: typeof fetch) =>
    postgresAccounts(
      postgres({ url: 'postgresql://u:p@db/x', endpoint: 'http://db/sql', fetch: send }, world()),
    )

  it('is a 503 when it cannot be reached or shuts down', async () => {
    const unreachable = over(() => Promise.reject(new TypeError('fetch failed')))
    await expect(unreachable.find('alice')).rejects.toMatchObject({ errcode: 'M_UNKNOWN', status: 503 })
    const stopping = over(async () => Response.json({ message: 'stopping', code: '57P01' }, { status: 400 }))
    await expect(stopping.find('alice')).rejects.toMatchObject({ errcode: 'M_UNKNOWN', status: 503 })
  })

  it('is named by its SQLSTATE alone when it refuses a statement', async () => {
    const refusing = over(async () =>
      Response.json({ message: 'value secret is odd', detail: 'secret', code: '22P02' }, { status: 400 }),
    )
    const failure = await refusing.find('alice').catch((error: Error) => error)
    expect(failure).toMatchObject({ message: 'Postgres refused a statement: SQLSTATE 22P02' })
    expect(JSON.stringify(failure)).not.toContain('secret')
  })
})
