/** Server-Server API §Retrieving server keys: the keys by which others check what this server has signed. */
import { Hono } from 'hono'
import { ownServerKeys } from '../../src/federation/own-keys.ts'
import { canonicalJson } from '../../src/protocol/events/canonical-json.ts'
import { type AppContext, type AppEnv, portsIn } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { federates } from './served.ts'

/** Below `/_matrix/key/v2`. */
export const serverKeys = new Hono<AppEnv>()

const row = { auth: 'none', limit: 'read', served: federates } as const

function answer(c: AppContext): Response {
  const { clock, config } = portsIn(c)
  // As it was signed, for those who check the text that they get.
  const text = canonicalJson(ownServerKeys(config, clock.now()))
  return c.body(text, 200, { 'content-type': 'application/json' })
}

serverKeys.get('/server', endpoint(row), answer)
// Old servers name the key that they want, or leave its place empty. All keys are the answer.
serverKeys.get('/server/', endpoint(row), answer)
serverKeys.get('/server/:keyId', endpoint(row), answer)
