/** What every handler finds in its context. */
import type { Context } from 'hono'
import type { GatedObjects } from '../durable-objects/gate.ts'
import type { Requester, UserRequester } from '../src/accounts/requester.ts'
import type { Env } from '../src/env.ts'
import type { Ports } from '../src/ports/ports.ts'
import type { JsonObject } from '../src/protocol/events/canonical-json.ts'

/** `bodyText` is there behind an endpoint with a schema of its body, `body` and `exactBody` where its signature was
 * checked; the rest is there for every request. */
export type AppEnv = {
  Bindings: Env
  Variables: {
    ports: Ports
    objects: GatedObjects
    requestId: string
    bodyText?: string
    body?: JsonObject
    exactBody?: JsonObject
  }
}

/** What an endpoint adds if it knows its requester. */
export type RequesterEnv<R extends Requester | undefined> = { Variables: { requester: R } }

/** A request as helpers of handlers take it: they read it and answer, and set nothing in it. */
export type AppContext = Omit<Context<AppEnv>, 'set' | 'get'>

/** The same behind an endpoint that asks for a user. */
export type UserContext = AppContext & { readonly var: { readonly requester: UserRequester } }

/** The same behind an endpoint that needs no token, but heeds one. */
export type PossibleUserContext = AppContext & {
  readonly var: { readonly requester: UserRequester | undefined }
}

/** `c.var.ports`. Each look at `c.var` makes an object of all variables, and what every request passes looks often. */
export function portsIn(c: AppContext): Ports {
  return (c as unknown as Context<AppEnv>).get('ports')
}

/** `c.var.objects`, as cheap. */
export function objectsIn(c: AppContext): GatedObjects {
  return (c as unknown as Context<AppEnv>).get('objects')
}

/** The requester, where it is known already. */
export function requesterIn(c: AppContext): Requester | undefined {
  return (c as unknown as Context<RequesterEnv<Requester | undefined>>).get('requester')
}
