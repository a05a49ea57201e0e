/** The one table of options: each is a flag and an environment variable. */
import {
  databaseUrlOf,
  headerName,
  integerIn,
  oneOf,
  origins,
  serverName,
  turnUris,
  urlOf,
} from './checks.ts'

export interface OptionRow {
  /** The environment variable; `SELVEDGE_` and the flag's name unless told. */
  variable?: string
  value: string
  default?: string
  /** A command takes no default here: the running server, or its keys, know it. */
  known?: true
  help: string
  /** Says what is wrong with a value, or nothing. */
  check?: (text: string) => string | undefined
}

export const optionTable = {
  host: { value: 'address', default: '127.0.0.1', known: true, help: 'Address to listen on.' },
  port: {
    value: 'number',
    default: '8008',
    known: true,
    help: 'Port to listen on; 0 picks a free one.',
    check: integerIn(0, 65535),
  },
  'server-name': {
    value: 'name',
    default: 'localhost',
    known: true,
    help: 'The part of user ids after the colon. Cannot change once there is data.',
    check: serverName,
  },
  'public-url': {
    value: 'url',
    help: 'Where clients reach the server. Default: the address it listens on.',
    check: urlOf('https:', 'http:'),
  },
  'data-dir': { value: 'folder', default: '.selvedge', help: 'Everything the server keeps.' },
  'https-port': { value: 'number', help: 'Port for TLS; 0 picks a free one.', check: integerIn(0, 65535) },
  'tls-cert': { value: 'file', help: 'Certificate chain for --https-port, PEM.' },
  'tls-key': { value: 'file', help: 'Private key for --https-port, PEM.' },
  ca: { value: 'file', help: 'Certificates to trust beside the usual ones, PEM.' },
  registration: {
    value: 'open|token|closed',
    default: 'open',
    help: 'Who may make an account.',
    check: oneOf('open', 'token', 'closed'),
  },
  'allow-open-registration': {
    value: 'yes|no',
    default: 'no',
    help: 'The yes that open registration needs on an address that everybody can reach.',
    check: oneOf('yes', 'no'),
  },
  'registration-shared-secret': {
    value: 'secret',
    help: 'Lets its holder make accounts whatever --registration says.',
  },
  'session-cache': {
    value: 'object|redis',
    default: 'object',
    help: "Who is asked whether a session is alive: the user's own object, or first Redis.",
    check: oneOf('object', 'redis'),
  },
  'rate-limits': {
    value: 'on|off',
    default: 'on',
    help: 'Limits on how often one may ask.',
    check: oneOf('on', 'off'),
  },
  presence: {
    value: 'on|off',
    default: 'on',
    help: 'Whether people see who is online.',
    check: oneOf('on', 'off'),
  },
  'presence-timeout-ms': {
    value: 'ms',
    default: '300000',
    help: 'How long after the last sign of life a user still counts as there.',
    check: integerIn(1, 999_999_999),
  },
  demo: {
    value: 'on|off',
    default: 'off',
    help: 'Whether /_selvedge/demo shows what the stream does.',
    check: oneOf('on', 'off'),
  },
  'stream-origins': {
    value: 'urls',
    help: 'The origins whose pages may open a stream, with commas between them. Default: all.',
    check: origins,
  },
  erasure: {
    value: 'new-members|everybody',
    default: 'new-members',
    help: 'From whom an erasure takes what its user said.',
    check: oneOf('new-members', 'everybody'),
  },
  guests: {
    value: 'on|off',
    default: 'off',
    help: 'Whether guests may come without an account.',
    check: oneOf('on', 'off'),
  },
  'max-upload-bytes': {
    value: 'bytes',
    default: '52428800',
    help: 'The largest file that may be uploaded.',
    check: integerIn(1, 999_999_999_999),
  },
  'max-media-bytes-per-user': {
    value: 'bytes',
    default: '10737418240',
    help: 'What one user may upload in all; 0 is no bound.',
    check: integerIn(0, 999_999_999_999_999),
  },
  'max-preview-bytes-per-user': {
    value: 'bytes',
    default: '1073741824',
    help: 'Pictures of previews that are kept for one user, the newest; 0 is no bound.',
    check: integerIn(0, 999_999_999_999_999),
  },
  'max-preview-bytes': {
    value: 'bytes',
    default: '10737418240',
    help: 'Pictures of previews that are kept in all, the newest; 0 is no bound.',
    check: integerIn(0, 999_999_999_999_999),
  },
  'max-account-data-bytes-per-user': {
    value: 'bytes',
    default: '16777216',
    help: 'What one user may keep as account data, tags included. 0 is no bound.',
    check: integerIn(0, 999_999_999_999_999),
  },
  'max-key-backup-bytes-per-user': {
    value: 'bytes',
    default: '268435456',
    help: 'What one user may keep in backups of room keys. 0 is no bound.',
    check: integerIn(0, 999_999_999_999_999),
  },
  'max-filters-per-user': {
    value: 'number',
    default: '1000',
    help: 'How many filters one user may store. 0 is no bound.',
    check: integerIn(0, 999_999_999_999_999),
  },
  'max-devices-per-user': {
    value: 'number',
    default: '1000',
    help: 'How many devices one user may have. 0 is no bound.',
    check: integerIn(0, 999_999_999_999_999),
  },
  'max-aliases-per-user': {
    value: 'number',
    default: '1000',
    help: 'How many room aliases one user may have made. 0 is no bound.',
    check: integerIn(0, 999_999_999_999_999),
  },
  'max-rooms-per-user': {
    value: 'number',
    default: '10000',
    help: 'How many rooms one user may make. 0 is no bound.',
    check: integerIn(0, 999_999_999_999_999),
  },
  'url-previews': {
    value: 'on|off',
    default: 'on',
    help: 'Whether the server looks at web pages for clients that show previews of them.',
    check: oneOf('on', 'off'),
  },
  'open-media': {
    value: 'on|off',
    default: 'off',
    help: 'Whether media are served without a token too, for old clients.',
    check: oneOf('on', 'off'),
  },
  'access-token-lifetime-ms': {
    value: 'ms',
    default: '3600000',
    help: 'How long an access token lives where the client can refresh it.',
    check: integerIn(1, 999_999_999),
  },
  'token-issuers': {
    value: 'file',
    help: 'The systems whose tokens sign users in: JSON, see docs/applications.md.',
  },
  'turn-uri': {
    value: 'uris',
    help: 'TURN servers for calls, with commas between them; needs --turn-secret.',
    check: turnUris,
  },
  'turn-secret': { value: 'secret', help: 'The secret that the TURN servers share with this one.' },
  'allow-private-networks': {
    value: 'on|off',
    default: 'off',
    help: 'Whether the server may call private and loopback addresses.',
    check: oneOf('on', 'off'),
  },
  'default-room-version': {
    value: '3|4|…|12',
    default: '12',
    help: 'Version of new rooms.',
    check: oneOf('3', '4', '5', '6', '7', '8', '9', '10', '11', '12'),
  },
  'password-min-length': {
    value: 'number',
    help: 'Characters that a new password must have. Default: 8, and 1 with --password-cost low.',
    check: integerIn(1, 999),
  },
  'password-cost': {
    value: 'normal|low',
    default: 'normal',
    help: 'low is for tests: fast to check, fast to guess.',
    check: oneOf('normal', 'low'),
  },
  'log-level': {
    value: 'level',
    default: 'info',
    help: 'debug, info, warn, error or silent.',
    check: oneOf('debug', 'info', 'warn', 'error', 'silent'),
  },
  'log-sample': {
    value: 'share',
    default: '1',
    help: 'Of the requests that succeed, the share that is logged: from 0 to 1. Others always are.',
    check: (text) => (/^(1|0(\.\d{1,9})?)$/.test(text) ? undefined : 'must be a number from 0 to 1'),
  },
  'client-address-header': {
    value: 'name',
    help: 'Header in which a trusted proxy names the client; without it the peer of the connection counts.',
    check: headerName,
  },
  'body-timeout-ms': {
    value: 'ms',
    default: '30000',
    help: 'How long the body of a request may take for each 64 KiB of it.',
    check: integerIn(1, 9_999_999),
  },
  'database-url': {
    variable: 'DATABASE_URL',
    value: 'url',
    help: 'A Postgres to use instead of the embedded one.',
    check: databaseUrlOf('postgres:', 'postgresql:'),
  },
  'redis-url': {
    variable: 'REDIS_URL',
    value: 'url',
    help: 'A Redis to use instead of the embedded one.',
    check: databaseUrlOf('redis:', 'rediss:'),
  },
  'archive-delay-ms': {
    value: 'ms',
    default: '1000',
    help: 'How long a room gathers changes before they go to Postgres.',
    check: integerIn(0, 3_600_000),
  },
} as const satisfies Record<string, OptionRow>
