/** The settings: the environment's variables, checked once, refused by the variable's name. */
import * as z from 'zod'
import { defaultMinLength } from './accounts/passwords.ts'
import { TokenIssuers } from './accounts/tokens/issuers.ts'
import { FederationVariables, federationOf, SigningKeys, signingKeysOf } from './federation/settings.ts'
import { checkMediaStores, MediaStoreVariables, mediaStoresOf } from './media/store-settings.ts'
import type { Config } from './ports/config.ts'
import { JURISDICTIONS, LOCATION_HINTS } from './ports/placement.ts'
import type { TokenIssuer } from './ports/sign-in.ts'
import { decodeBase64 } from './protocol/base64.ts'
import { isServerName } from './protocol/identifiers.ts'
import { SUPPORTED_ROOM_VERSIONS } from './protocol/rooms/room-version.ts'
import { bytesOrNone, headerOf, jsonList, keyList, numberOrNone, positive, share } from './setting-forms.ts'

/** 43 digits of base64 are 32 bytes. */
const Secret = z.string().regex(/^[A-Za-z0-9+/]{43}$/, 'must be the unpadded base64 of 32 bytes')

const TokenKeys = keyList(
  z.object({
    id: z.string().min(1),
    secret: Secret.transform(decodeBase64),
    /** It signs nothing any more, and every session it signed is logged out. */
    retired: z.boolean().default(false),
  }),
).refine((keys) => keys[0]?.retired === false, 'must begin with a key that is not retired')

const ServerName = z.string().refine(isServerName, 'must be a server name: host, or host:port')

const PublicUrl = z
  .url({ protocol: /^https?$/, message: 'must be an http or https URL' })
  .transform((url) => url.replace(/\/+$/, ''))

const Variables = z.object({
  SERVER_NAME: ServerName,
  PUBLIC_URL: PublicUrl,
  SIGNING_KEYS: SigningKeys(Secret),
  TOKEN_KEYS: TokenKeys,
  INSTANCE_ID: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 of A-Z, a-z, 0-9, _ and -')
    .optional(),
  GENERATION: z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .default('0')
    .transform(Number),
  JURISDICTION: z.enum(JURISDICTIONS, `must be one of ${JURISDICTIONS.join(', ')}`).optional(),
  LOCATION_HINT: z.enum(LOCATION_HINTS, `must be one of ${LOCATION_HINTS.join(', ')}`).optional(),
  HEALTH_POSTGRES_MS: z
    .string()
    .regex(/^(0|[3-9]\d{5}|\d{7,9})$/, 'must be 300000 milliseconds or more, or 0')
    .default('900000')
    .transform(Number),
  REGISTRATION: z.enum(['open', 'token', 'closed']).default('closed'),
  REGISTRATION_SHARED_SECRET: z.string().min(1).optional(),
  ROOMS_ASKED_AT_ONCE: positive('150', 'rooms'),
  SESSION_CACHE: z.enum(['object', 'redis']).default('object'),
  RATE_LIMITS: z.enum(['on', 'off']).default('on'),
  PRESENCE: z.enum(['on', 'off']).default('on'),
  PRESENCE_TIMEOUT_MS: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'must be a number of milliseconds')
    .default('300000')
    .transform(Number),
  DEMO: z.enum(['on', 'off']).default('off'),
  STREAM_ORIGINS: z
    .string()
    .regex(/^https?:\/\/[^\s,/]+(,https?:\/\/[^\s,/]+)*$/, 'must be origins, with commas between them')
    .transform((origins) => origins.split(','))
    .optional(),
  EVENT_STREAM: z.enum(['on', 'off']).default('off'),
  EVENT_STREAM_RETENTION_MS: positive('604800000', 'milliseconds'),
  EVENT_STREAM_RETENTION_BYTES: positive('268435456', 'bytes'),
  ERASURE: z.enum(['new-members', 'everybody']).default('new-members'),
  GUESTS: z.enum(['on', 'off']).default('off'),
  MAX_UPLOAD_BYTES: positive('52428800', 'bytes'),
  MAX_MEDIA_BYTES_PER_USER: bytesOrNone('10737418240'),
  MAX_PREVIEW_BYTES_PER_USER: bytesOrNone('1073741824'),
  MAX_PREVIEW_BYTES: bytesOrNone('10737418240'),
  MAX_ACCOUNT_DATA_BYTES_PER_USER: bytesOrNone('16777216'),
  MAX_KEY_BACKUP_BYTES_PER_USER: bytesOrNone('268435456'),
  MAX_FILTERS_PER_USER: numberOrNone('1000'),
  MAX_DEVICES_PER_USER: numberOrNone('1000'),
  MAX_ALIASES_PER_USER: numberOrNone('1000'),
  MAX_ROOMS_PER_USER: numberOrNone('10000'),
  ...MediaStoreVariables,
  URL_PREVIEWS: z.enum(['on', 'off']).default('on'),
  OPEN_MEDIA: z.enum(['on', 'off']).default('off'),
  ACCESS_TOKEN_LIFETIME_MS: positive('3600000', 'milliseconds'),
  TOKEN_ISSUERS: jsonList().pipe(TokenIssuers).default([]),
  TURN_URIS: z
    .string()
    .regex(/^turns?:[^\s,]+(,turns?:[^\s,]+)*$/, 'must be turn: or turns: URIs, with commas between them')
    .transform((uris) => uris.split(','))
    .optional(),
  TURN_SECRET: z.string().min(1).optional(),
  ...FederationVariables,
  DEFAULT_ROOM_VERSION: z.enum(SUPPORTED_ROOM_VERSIONS as [string, ...string[]]).default('12'),
  PASSWORD_COST: z.enum(['normal', 'low']).default('normal'),
  PASSWORD_MIN_LENGTH: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, 'must be a number from 1 to 999')
    .transform(Number)
    .optional(),
  METRICS_TOKEN: z
    .string()
    .regex(/^[A-Za-z0-9_~+/=.-]{16,256}$/, 'must be 16 to 256 letters, digits and _~+/=.-')
    .optional(),
  ANALYTICS_ACCOUNT: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'must be the 32 digits of a Cloudflare account')
    .optional(),
  ANALYTICS_TOKEN: z.string().min(1).optional(),
  ANALYTICS_DATASET: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, 'must be the name of a dataset')
    .default('selvedge'),
  ANALYTICS_API: PublicUrl.default('https://api.cloudflare.com/client/v4'),
  OTEL_EXPORTER_OTLP_ENDPOINT: PublicUrl.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .regex(/^[\w-]+=[^,]*(,[\w-]+=[^,]*)*$/, 'must be name=value, with commas between them')
    .transform((text, context) => {
      try {
        return Object.fromEntries(text.split(',').map(headerOf))
      } catch {
        context.addIssue({ code: 'custom', message: 'holds a broken percent escape' })
        return z.NEVER
      }
    })
    .default({}),
  TRACE_SAMPLE: share('0.01'),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  LOG_SAMPLE: share('1'),
  CLIENT_ADDRESS_HEADER: z
    .string()
    .regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header')
    .optional(),
  BODY_TIMEOUT_MS: z
    .string()
    .regex(/^[1-9]\d{0,6}$/, 'must be a number of milliseconds')
    .default('30000')
    .transform(Number),
  ARCHIVE_DELAY_MS: z
    .string()
    .regex(/^\d{1,9}$/, 'must be a number of milliseconds')
    .default('1000')
    .transform(Number),
  ALLOW_PRIVATE_NETWORKS: z.enum(['on', 'off']).default('off'),
  TEST_HOOKS: z.enum(['on', 'off']).default('off'),
})

/** The names of all settings. */
export const settingNames: string[] = Object.keys(Variables.shape)

const Together = Variables.superRefine(checkMediaStores).refine(
  // Whoever stands between could put a key of their own into the set.
  (v) => v.ALLOW_PRIVATE_NETWORKS === 'on' || v.TOKEN_ISSUERS.every(hasSafeKeys),
  {
    path: ['TOKEN_ISSUERS'],
    error: 'key_set must be an https URL, unless ALLOW_PRIVATE_NETWORKS is on',
    when: ({ issues }) => issues.length === 0,
  },
)

function hasSafeKeys({ proof }: TokenIssuer): boolean {
  return proof.kind !== 'key set' || proof.url.startsWith('https:')
}

/** The names of all settings, secrets included. */
export const SETTING_NAMES: readonly string[] = Object.keys(Variables.shape)

/** What is wrong with the settings that `env` names, each by its name and never with its value. */
export function settingMistakes(env: object): string[] {
  return issuesOf(Together.safeParse(givenVariables(env)).error)
}

/**
 * The settings that `env` names.
 * @throws Error naming every wrong variable, never its value
 */
export function readConfig(env: object): Config {
  const parsed = Together.safeParse(givenVariables(env))
  if (!parsed.success) throw new Error(`configuration: ${issuesOf(parsed.error).join('; ')}`)
  const v = parsed.data
  return {
    serverName: v.SERVER_NAME,
    publicUrl: v.PUBLIC_URL,
    instanceId: v.INSTANCE_ID,
    generation: v.GENERATION,
    placement: { jurisdiction: v.JURISDICTION, locationHint: v.LOCATION_HINT },
    healthPostgresMs: v.HEALTH_POSTGRES_MS,
    registration: v.REGISTRATION,
    registrationSharedSecret: v.REGISTRATION_SHARED_SECRET,
    roomsAskedAtOnce: v.ROOMS_ASKED_AT_ONCE,
    sessionCache: v.SESSION_CACHE,
    rateLimits: v.RATE_LIMITS === 'on',
    presence: v.PRESENCE === 'on',
    presenceTimeoutMs: v.PRESENCE_TIMEOUT_MS,
    streamOrigins: v.STREAM_ORIGINS,
    demo: v.DEMO === 'on',
    eventStream: {
      on: v.EVENT_STREAM === 'on',
      retention: { ageMs: v.EVENT_STREAM_RETENTION_MS, bytes: v.EVENT_STREAM_RETENTION_BYTES },
    },
    erasure: v.ERASURE,
    guests: v.GUESTS === 'on',
    maxUploadBytes: v.MAX_UPLOAD_BYTES,
    maxMediaBytesPerUser: v.MAX_MEDIA_BYTES_PER_USER,
    quotas: {
      accountDataBytes: v.MAX_ACCOUNT_DATA_BYTES_PER_USER,
      keyBackupBytes: v.MAX_KEY_BACKUP_BYTES_PER_USER,
      filters: v.MAX_FILTERS_PER_USER,
      devices: v.MAX_DEVICES_PER_USER,
      aliases: v.MAX_ALIASES_PER_USER,
      rooms: v.MAX_ROOMS_PER_USER,
    },
    ...mediaStoresOf(v),
    urlPreviews: v.URL_PREVIEWS === 'on',
    maxPreviewBytesPerUser: v.MAX_PREVIEW_BYTES_PER_USER,
    maxPreviewBytes: v.MAX_PREVIEW_BYTES,
    openMedia: v.OPEN_MEDIA === 'on',
    accessTokenLifetimeMs: v.ACCESS_TOKEN_LIFETIME_MS,
    tokenIssuers: v.TOKEN_ISSUERS,
    turn:
      v.TURN_URIS === undefined || v.TURN_SECRET === undefined
        ? undefined
        : { uris: v.TURN_URIS, secret: v.TURN_SECRET },
    defaultRoomVersion: v.DEFAULT_ROOM_VERSION,
    passwordCost: v.PASSWORD_COST,
    passwordMinLength: v.PASSWORD_MIN_LENGTH ?? defaultMinLength(v.PASSWORD_COST),
    metricsToken: v.METRICS_TOKEN,
    analytics:
      v.ANALYTICS_ACCOUNT === undefined || v.ANALYTICS_TOKEN === undefined
        ? undefined
        : {
            api: v.ANALYTICS_API,
            account: v.ANALYTICS_ACCOUNT,
            token: v.ANALYTICS_TOKEN,
            dataset: v.ANALYTICS_DATASET,
          },
    traces:
      v.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
        ? undefined
        : {
            url: `${v.OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces`,
            headers: v.OTEL_EXPORTER_OTLP_HEADERS,
            sample: v.TRACE_SAMPLE,
          },
    logLevel: v.LOG_LEVEL,
    logSample: v.LOG_SAMPLE,
    ...signingKeysOf(v.SIGNING_KEYS),
    federation: federationOf(v),
    tokenKeys: v.TOKEN_KEYS.filter(({ retired }) => !retired),
    retiredTokenKeys: v.TOKEN_KEYS.filter(({ retired }) => retired),
    clientAddressHeader: v.CLIENT_ADDRESS_HEADER,
    bodyTimeoutMs: v.BODY_TIMEOUT_MS,
    archiveDelayMs: v.ARCHIVE_DELAY_MS,
    allowPrivateNetworks: v.ALLOW_PRIVATE_NETWORKS === 'on',
    testHooks: v.TEST_HOOKS === 'on',
  }
}

/** An empty variable counts as absent: deployment tools cannot unset one. */
function givenVariables(env: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
}

function issuesOf(error: z.ZodError | undefined): string[] {
  return (error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`)
}
