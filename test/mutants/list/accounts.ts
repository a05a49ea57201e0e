/** Mistakes in the capabilities of `src`: accounts, media, search. */
import { inFile, type Mutant } from '../mutant.ts'

export const ACCOUNTS: readonly Mutant[] = [
  ...inFile(
    'src/accounts/passwords.ts',
    ['test/src/accounts/passwords.test.ts'],
    [
      [
        'return timingSafeEqual(key, hash) && parsed !== undefined',
        'return timingSafeEqual(key, hash)',
        { equal: 'nobody knows a password whose key is all zeros' },
      ],
      ["password.normalize('NFKC')", 'password'],
      ['if ([...password].length < least) {', 'if (password.length < least) {'],
      ['N: 2 ** ln, r, p', 'N: 2 ** ln, r, p: 1'],
    ],
  ),
  ...inFile(
    'src/accounts/usernames.ts',
    ['test/src/accounts/usernames.test.ts'],
    [
      ['if (isNewUserId(localpart, serverName)) return localpart', 'return localpart'],
      ['serverNameOf(user) === serverName ? lowerCase', 'serverNameOf(user) !== undefined ? lowerCase'],
    ],
  ),
  ...inFile(
    'src/accounts/access-token.ts',
    ['test/src/accounts/access-token.test.ts'],
    [
      [', issuer: serverName })', ' })'],
      ['keys.find(({ id }) => id === kid)', 'keys[0]'],
    ],
  ),
  ...inFile(
    'src/accounts/shared-secret.ts',
    ['test/workers/client/accounts/shared-secret.test.ts'],
    [
      ['if (!isRightMac(request, secret))', 'if (false)'],
      ["request.admin ? 'admin' : 'notadmin'", "'notadmin'"],
      ['    admin: request.admin,', '    admin: false,'],
      ['if (!(await nonces.take(request.nonce)))', 'if (request.nonce === "")'],
    ],
  ),
  ...inFile(
    'src/accounts/turn.ts',
    ['test/workers/client/settings/third-parties.test.ts'],
    [
      ['/ 1000) + LIFETIME_S}', '/ 1000)}'],
      ["digest('base64')", "digest('hex')"],
    ],
  ),
  ...inFile(
    'src/media/headers.ts',
    ['test/src/media/headers.test.ts'],
    [
      ["const kind = INLINE.has(type) ? 'inline' : 'attachment'", "const kind = 'inline'"],
      ['.trim().toLowerCase()', '.trim()'],
      ["  'image/webp',\n", ''],
      ['given.length <= MAX_TYPE_LENGTH && ', ''],
    ],
  ),
  ...inFile(
    'src/media/thumbnail-size.ts',
    ['test/src/media/thumbnail-size.test.ts'],
    [
      ['width >= wanted.width && height >= wanted.height', 'width >= wanted.width'],
      ["method === 'crop' ? Math.max(across, down) : Math.min(across, down)", 'Math.min(across, down)'],
      ['return Math.max(1, Math.round(length))', 'return Math.round(length)'],
      ['Math.floor((image.width - part.width) / 2)', '0'],
    ],
  ),
]
