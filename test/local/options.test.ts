/** The options of the launcher: where each comes from, and what is refused in which words. */
import { describe, expect, it } from 'vitest'
import { helpText, optionTable, readOptions } from '../../local/options/options.ts'

describe('options', () => {
  it('have their defaults', () => {
    expect(readOptions([], {})).toEqual({
      host: '127.0.0.1',
      port: '8008',
      'server-name': 'localhost',
      'data-dir': '.selvedge',
      registration: 'open',
      'allow-open-registration': 'no',
      'rate-limits': 'on',
      guests: 'off',
      'max-upload-bytes': '52428800',
      'max-media-bytes-per-user': '10737418240',
      'max-preview-bytes-per-user': '1073741824',
      'max-preview-bytes': '10737418240',
      'max-account-data-bytes-per-user': '16777216',
      'max-key-backup-bytes-per-user': '268435456',
      'max-filters-per-user': '1000',
      'max-devices-per-user': '1000',
      'max-aliases-per-user': '1000',
      'max-rooms-per-user': '10000',
      'media-store': 'r2',
      's3-region': 'us-east-1',
      's3-path-style': 'on',
      'url-previews': 'on',
      'open-media': 'off',
      presence: 'on',
      demo: 'off',
      'presence-timeout-ms': '300000',
      'event-stream': 'off',
      'event-stream-retention-ms': '604800000',
      'event-stream-retention-bytes': '268435456',
      erasure: 'new-members',
      'access-token-lifetime-ms': '3600000',
      'allow-private-networks': 'off',
      federation: 'off',
      'key-notaries': 'matrix.org',
      'default-room-version': '12',
      'password-cost': 'normal',
      'log-level': 'info',
      'log-sample': '1',
      'session-cache': 'object',
      'trace-sample': '0.01',
      'body-timeout-ms': '30000',
      'archive-delay-ms': '1000',
    })
  })

  it('come from the environment, and from flags before it', () => {
    const env = {
      SELVEDGE_PORT: '1',
      SELVEDGE_SERVER_NAME: 'env.example',
      DATABASE_URL: 'postgres://h/d',
      REDIS_URL: '',
    }
    const options = readOptions(['--port', '2', '--log-level=warn'], env)
    expect(options).toMatchObject({
      port: '2',
      'log-level': 'warn',
      'server-name': 'env.example',
      'database-url': 'postgres://h/d',
    })
    expect(options).not.toHaveProperty('redis-url')
  })

  it.each([
    [['--bogus'], 'unknown option --bogus'],
    [['-x'], 'unknown option -x'],
    [['extra'], 'unexpected argument extra'],
    [['--port'], '--port needs a value'],
    [['--port', '--host', 'x'], '--port needs a value'],
    [['--server-name='], '--server-name needs a value'],
    [['--port', '70000'], '--port must be a whole number from 0 to 65535, not "70000"'],
    [['--port', 'http'], '--port must be a whole number from 0 to 65535, not "http"'],
    [['--port', '1', '--port', '2'], '--port is given twice'],
    [['--registration', 'maybe'], '--registration must be open, token or closed, not "maybe"'],
    [
      ['--default-room-version', '2'],
      '--default-room-version must be 3, 4, 5, 6, 7, 8, 9, 10, 11 or 12, not "2"',
    ],
    [
      ['--public-url', 'ftp://x'],
      '--public-url must be a URL that starts with https:// or http://, not "ftp://x"',
    ],
    [['--server-name', 'a b'], '--server-name must be a host name, with a port or without, not "a b"'],
    [['--https-port', '8448'], '--https-port needs --tls-cert'],
    [['--https-port', '8448', '--tls-cert', 'c'], '--https-port needs --tls-key'],
    [['--tls-key', 'k'], '--tls-key needs --https-port'],
    [
      ['--port', '9', '--https-port', '9', '--tls-cert', 'c', '--tls-key', 'k'],
      '--https-port and --port are both 9',
    ],
    [['--media-store', 'disk'], '--media-store must be r2, s3 or ipfs, not "disk"'],
    [['--media-store', 's3'], '--media-store s3 needs --s3-endpoint'],
    [['--media-store', 'ipfs'], '--media-store ipfs needs --ipfs-api'],
    [['--s3-endpoint', 'https://s3.example.org'], '--s3-endpoint needs --s3-bucket'],
    [['--s3-bucket', 'media'], '--s3-bucket needs --s3-endpoint'],
    [
      ['--s3-endpoint', 'https://s3.example.org', '--s3-bucket', 'media', '--s3-access-key-id', 'k'],
      '--s3-endpoint needs --s3-secret-access-key',
    ],
    [
      ['--s3-bucket', 'No'],
      '--s3-bucket must be the name of a bucket: 3 to 63 of a-z, 0-9, - and ., not "No"',
    ],
    [
      ['--s3-endpoint', 'https://user:hunter2@s3.example.org'],
      '--s3-endpoint must be a URL without a name, password, query or fragment, not what was given',
    ],
    [['--ipfs-api-secret', 'bearer:x'], '--ipfs-api-secret needs --ipfs-api'],
    [
      ['--ipfs-api', 'http://127.0.0.1:5001', '--ipfs-api-secret', 'hunter2'],
      '--ipfs-api-secret must be bearer:TOKEN or basic:USER:PASSWORD, not what was given',
    ],
  ])('refuse %j by name', (args, message) => {
    expect(() => readOptions(args, {})).toThrow(
      expect.objectContaining({ message: `${message} (see --help)`, exitCode: 2 }),
    )
  })

  it('refuse a secret of an S3 that is too long, and do not show it', () => {
    const message = '--s3-secret-access-key must have 1 to 1,024 characters, not what was given (see --help)'
    expect(() => readOptions(['--s3-secret-access-key', 'x'.repeat(1_025)], {})).toThrow(
      expect.objectContaining({ message, exitCode: 2 }),
    )
  })

  it('are refused by the variable that holds a wrong value, and never show an address with its password', () => {
    expect(() => readOptions([], { SELVEDGE_RATE_LIMITS: 'yes' })).toThrow(
      'SELVEDGE_RATE_LIMITS must be on or off',
    )
    expect(() => readOptions([], { DATABASE_URL: 'mysql://u:hunter2@h/d' })).toThrow(
      'DATABASE_URL must be a URL that starts with postgres:// or postgresql://, not what was given',
    )
  })

  it('of another command are only its own', () => {
    expect(readOptions(['--data-dir', 'x'], {}, ['data-dir'])).toEqual({ 'data-dir': 'x' })
    expect(() => readOptions(['--port', '1'], {}, ['data-dir'])).toThrow('unknown option --port')
  })

  it('are all in the help, with flag, variable and default', () => {
    expect(readOptions(['--help'], {})).toBe('help')
    expect(readOptions(['-h'], {})).toBe('help')
    const help = helpText()
    for (const name of Object.keys(optionTable)) expect(help).toContain(`--${name} <`)
    expect(help).toMatch(/--port <number> +SELVEDGE_PORT +Port to listen on; 0 picks a free one\. \[8008\]/)
    expect(help).toMatch(/--database-url <url> +DATABASE_URL /)
  })
})

describe('options that would serve others than meant', () => {
  it.each([
    [{ SELVEDGE_REGISTRATON: 'closed' }, 'SELVEDGE_REGISTRATON is not an option: SELVEDGE_REGISTRATION is'],
    [{ SELVEDGE_PUBLICURL: 'x' }, 'SELVEDGE_PUBLICURL is not an option: SELVEDGE_PUBLIC_URL is'],
    [{ SELVEDGE_SOMETHING_ELSE: 'x' }, 'SELVEDGE_SOMETHING_ELSE is not an option'],
  ])('refuse the unknown variable of %j', (env, message) => {
    const refused = expect.objectContaining({ message: `${message} (see --help)`, exitCode: 2 })
    expect(() => readOptions([], env)).toThrow(refused)
    expect(() => readOptions([], env, ['data-dir'])).toThrow(refused)
  })

  it.each(['0.0.0.0', '::', '0'])('refuse --host %s without --public-url', (host) => {
    expect(() => readOptions(['--host', host, '--registration', 'closed'], {})).toThrow(
      `--host ${host} needs --public-url`,
    )
  })

  it.each([
    [['--host', '0.0.0.0', '--public-url', 'https://chat.example.org']],
    [['--host', '::', '--public-url', 'https://192.168.1.7']],
    [['--host', 'chat.example.org']],
    [['--public-url', 'https://chat.example.org']],
    [['--public-url', 'https://[2001:db8::1]:8448']],
    [['--host', '0.0.0.0', '--public-url', 'http://localhost:8008', '--registration', 'open']],
  ])('refuse open registration with %j, without a yes', (args) => {
    expect(() => readOptions(args, {})).toThrow(/registration is open, and .* --allow-open-registration yes/)
    readOptions([...args, '--allow-open-registration', 'yes'], {})
    if (args.includes('--registration')) return
    readOptions([...args, '--registration', 'token'], {})
    readOptions([...args], { SELVEDGE_REGISTRATION: 'closed' })
  })

  it.each([
    [['--host', '127.0.0.3']],
    [['--host', '::1']],
    [['--host', 'localhost']],
    [['--host', '192.168.1.7', '--public-url', 'http://192.168.1.7:8008']],
    [['--host', '10.1.2.3', '--public-url', 'https://chat.home.arpa']],
    [['--public-url', 'http://172.31.0.7:8008']],
    [['--public-url', 'http://[fd12:3456::7]:8008']],
  ])('leave open registration to %j, which nobody outside can reach', (args) => {
    expect(readOptions(args, {})).toMatchObject({ registration: 'open' })
  })

  it.each([
    ['--database-url', 'postgres://u:hunter/2@host/db'],
    ['--database-url', 'postgres://u:12/hunter@host/db'],
    ['--database-url', 'postgres://u:hunter#2@host/db'],
    ['--database-url', 'postgres://u:1?hunter@host/db'],
    ['--database-url', 'postgres://u:hunter%2@host/db'],
    ['--redis-url', 'redis://:hunter/2@host'],
  ])('say how the password of %s %s is written', (option, url) => {
    let message = ''
    try {
      readOptions([option, url], {})
    } catch (error) {
      message = String(error)
    }
    expect(message).toContain('/ is written %2F, @ is %40')
    expect(message).not.toContain('hunter')
  })

  it('take an @ in a password as it is, and take what is escaped', () => {
    for (const url of ['postgres://u:p@ss@host/db', 'postgres://u:p%2Fss@host/db']) {
      expect(readOptions(['--database-url', url], {})).toMatchObject({ 'database-url': url })
    }
  })
})
