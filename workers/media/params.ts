/** Where media are: Client-Server API §Matrix Content (mxc) URIs. */
import * as z from 'zod'
import { isServerName } from '../../src/protocol/identifiers.ts'

export const MediaPlace = z.object({
  serverName: z.string().refine(isServerName, 'not a server name'),
  mediaId: z.string().regex(/^[A-Za-z0-9_-]{1,255}$/, 'not a media ID'),
})
