/** Where media are: Client-Server API §Matrix Content (mxc) URIs. */
import * as z from 'zod'
import { isServerName } from '../../src/protocol/identifiers.ts'
import { Count, Flag } from '../client/params.ts'

export const MediaPlace = z.object({
  serverName: z.string().refine(isServerName, 'not a server name'),
  mediaId: z.string().regex(/^[A-Za-z0-9_-]{1,255}$/, 'not a media ID'),
})

/** "The default value is 20000 (20 seconds)", and no longer than a client waits. */
const DEFAULT_TIMEOUT_MS = 20_000
const MAX_TIMEOUT_MS = 60_000

export const Patience = z.object({
  timeout_ms: Count.transform((ms) => Math.min(ms, MAX_TIMEOUT_MS)).default(DEFAULT_TIMEOUT_MS),
  allow_remote: Flag.optional(),
  allow_redirect: Flag.optional(),
})
