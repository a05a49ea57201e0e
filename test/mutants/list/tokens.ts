/** Mistakes in the sign-in by tokens of another system. */
import { client, inFile, type Mutant } from '../mutant.ts'

const signIn = client('token-sign-in')
const sessions = client('token-sessions')
const sets = ['test/src/accounts/key-sets.test.ts', ...client('token-key-sets')]
const settings = ['test/src/accounts/token-issuers.test.ts']

export const TOKENS: readonly Mutant[] = [
  ...inFile('src/accounts/tokens/check.ts', signIn, [
    ['exp === undefined || exp > latest', 'exp === undefined'],
    ['if (token.length > LONGEST_TOKEN)', 'if (token.length > 10 * LONGEST_TOKEN)'],
    ['      audience,\n', ''],
    ['      clockTolerance: issuer.leewaySeconds,\n', ''],
    ["      requiredClaims: ['exp'],\n", '', { title: 'does not end' }],
    ["...(typ !== undefined && { typ: 'JWT' }),", ''],
    ['if (claims !== undefined) return { issuer, claims }', 'return { issuer, claims: claims! }'],
  ]),
  ...inFile('src/accounts/tokens/authjs.ts', client('authjs-sign-in'), [
    ['proof.secrets.flatMap(', 'proof.secrets.slice(0, 1).flatMap('],
    ["if (header.zip !== undefined) throw new TokenRefused('form')", ''],
    ['header.alg !== DIRECT || ', '', { equal: 'jose refuses it too' }],
    [
      "() => ['', 'NextAuth.js Generated Encryption Key']",
      "() => ['x', 'NextAuth.js Generated Encryption Key']",
    ],
  ]),
  ...inFile('src/accounts/tokens/identity.ts', signIn, [
    [' || CONTROL.test(text)', ''],
    ['!text.isWellFormed() || ', ''],
    ['isNewUserId(localpart, serverName) ? localpart : undefined', 'localpart'],
    ["replace(/[A-Z_]/g, '_$&')", "replace(/[A-Z]/g, '_$&')"],
  ]),
  ...inFile('src/accounts/tokens/sign-in.ts', signIn, [
    [
      '!deactivated && !guest && !admin',
      'true',
      { equal: 'the statement that gives an account away looks as well' },
    ],
    ['issuer.existingAccounts && mayBelong', 'mayBelong'],
    ["if (!issuer.createAccounts) throw new TokenRefused('no account', issuer)", ''],
    [
      "if (own.deactivated) throw new TokenRefused('deactivated', issuer)",
      '',
      { equal: 'the User object refuses as well, by another error', title: 'that was closed' },
    ],
  ]),
  ...inFile('src/accounts/tokens/sign-in.ts', sessions, [
    ['      lifetimeMs: issuer.sessionMs,\n', ''],
    ['always: issuer.updateProfile', 'always: true'],
  ]),
  ...inFile('src/accounts/reauthentication.ts', sessions, [
    ['if (localpart === localpartOf(userId)) return {}', 'if (localpart !== undefined) return {}'],
  ]),
  ...inFile('src/accounts/tokens/key-sets.ts', sets, [
    ["if (since < PAUSE_MS && !takeFault('key-set:no-pause')) return", ''],
    ['clock.now() - kept.readAt < FRESH_MS ?', 'true ?'],
    ['clock.now() - kept.readAt < STALE_MS ?', 'true ?'],
    ["redirect: 'manual', ", ''],
    ["if (!isWhole) throw new Error('The key set is too long')", ''],
    ["jwk.kty !== 'oct' && ", ''],
    ['jwk.d === undefined && ', '', { equal: 'a private key verifies nothing' }],
    ['kept.reading !== undefined && since < WAIT_MS', 'kept.reading !== undefined'],
    ['    kept.triedAt = clock.now()\n', ''],
  ]),
  ...inFile('src/accounts/tokens/issuers.ts', settings, [
    ['if (/PRIVATE KEY/.test(pem)) return undefined', ''],
    [' || isPrivate(jwk)', ''],
    [' || isShort(jwk)', ''],
    ["if (audience === undefined) return 'audience is missing'", ''],
  ]),
  ...inFile(
    'src/accounts/tokens/algorithms.ts',
    [...settings, ...sets, ...signIn],
    [
      ["if (jwk.use !== undefined && jwk.use !== 'sig') return []", ''],
      ['fitting.filter(({ id }) => kid === undefined || id === undefined || id === kid)', 'fitting'],
    ],
  ),
  ...inFile(
    'durable-objects/user/account/devices.ts',
    [...sessions, 'test/docs/next-example.test.ts'],
    [
      ['known.refresh_hash === null && request.lifetimeMs', 'request.lifetimeMs'],
      ['return before === null ? [] : [before]', 'return sessionsOf(known)'],
      ['isFull ? findEnded(sql, now)', 'true ? findEnded(sql, now)'],
    ],
  ),
  ...inFile('durable-objects/user/account/account.ts', sessions, [
    ['always && !this.standing.suspended', 'always'],
    ['    if (spreads) this.#toldProfile()\n', ''],
  ]),
]
