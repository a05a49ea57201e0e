/** User-interactive authentication: flows of stages as data, their progress in a session. */
import { isDeepStrictEqual } from 'node:util'
import * as z from 'zod'
import type { Ports } from '../ports/ports.ts'
import type { UiaSession } from '../ports/sessions.ts'
import { type ErrorCode, MatrixError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/events/canonical-json.ts'
import { looseObject } from '../protocol/json-schemas.ts'
import { newPasswordHash, verifyPassword } from './passwords.ts'

/** What a client sends as `auth`: keys beside these belong to the stage. */
export const AuthData = looseObject({ type: z.string().optional(), session: z.string().optional() })
export type AuthData = z.infer<typeof AuthData>

type AuthPorts = Pick<Ports, 'uia' | 'random' | 'accounts' | 'clock' | 'config'>

/** Proves one stage. Answers facts to keep for the operation; @throws MatrixError when the proof is no good. */
export type Stage = (
  auth: AuthData,
  ports: AuthPorts,
) => Promise<Record<string, string>> | Record<string, string>

export interface InteractiveOperation {
  /** Method and path, and the user where one is known: the session is good for no other request. */
  endpoint: string
  /** The request's body without `auth` and without passwords, which are stored nowhere in the clear. */
  body: JsonObject
  /** A password that the request sets. Its hash stays with the session, so that no other one can take its place. */
  password?: string
  /** Any one of these, from its first stage to its last. */
  flows: string[][]
  stages: Record<string, Stage>
  /** What a fresh session remembers for the operation. */
  facts?: Record<string, string>
}

/** The body of a 401: Client-Server API §User-interactive API in the REST API. */
export interface Challenge {
  flows: { stages: string[] }[]
  params: JsonObject
  session: string
  completed?: string[]
  errcode?: ErrorCode
  error?: string
}

/** A finished session allows its action once, and is over then. */
export type AuthOutcome = { done: true; session: UiaSession } | { done: false; challenge: Challenge }

const SESSION_ID_LENGTH = 24
const PASSWORD_HASH = 'passwordHash'

/** Takes the operation one step on: it is done, or the client is asked for more. */
export async function authenticate(
  ports: AuthPorts,
  operation: InteractiveOperation,
  auth: AuthData | undefined,
): Promise<AuthOutcome> {
  if (auth === undefined) return begin(ports, operation)
  if (auth.session === undefined) return oneShot(ports, operation, auth)
  const session = await ports.uia.get(auth.session)
  if (session === undefined) return beginAgain(ports, operation)
  const bound = bind(session, operation)
  return advance(ports, operation, bound, auth)
}

/** The hash of the password that the finished session sets, whichever of its requests named it. */
export function passwordHashOf({ facts }: UiaSession): string | undefined {
  return facts[PASSWORD_HASH]
}

/** The values of `body` that the finished session stands for: what the last request left out comes from the first. */
export function authenticatedBody(session: UiaSession, body: JsonObject): JsonObject {
  return { ...session.body, ...body }
}

async function begin(
  ports: AuthPorts,
  operation: InteractiveOperation,
  failure?: MatrixError,
): Promise<AuthOutcome> {
  const session = await withPassword(ports, operation, fresh(ports, operation))
  await ports.uia.put(session)
  return { done: false, challenge: challenge(operation, session, failure) }
}

function beginAgain(ports: AuthPorts, operation: InteractiveOperation): Promise<AuthOutcome> {
  const error = new MatrixError('M_FORBIDDEN', 'The session is unknown or over: begin again')
  return begin(ports, operation, error)
}

/** "auth" without a session, as many clients send it when a single stage is enough: nothing need be stored then. */
async function oneShot(
  ports: AuthPorts,
  operation: InteractiveOperation,
  auth: AuthData,
): Promise<AuthOutcome> {
  if (auth.type === undefined) return begin(ports, operation)
  return advance(ports, operation, fresh(ports, operation), auth)
}

async function advance(
  ports: AuthPorts,
  operation: InteractiveOperation,
  session: UiaSession,
  auth: AuthData,
): Promise<AuthOutcome> {
  let failure: MatrixError | undefined
  let progressed = session
  try {
    progressed = await complete(ports, operation, session, auth)
  } catch (error) {
    // That there was no time for the proof does not mean that it is wrong.
    if (!(error instanceof MatrixError) || error.status >= 500 || error.status === 429) throw error
    failure = error
  }
  progressed = await withPassword(ports, operation, progressed)
  if (!isDone(operation, progressed)) {
    await ports.uia.put(progressed)
    return { done: false, challenge: challenge(operation, progressed, failure) }
  }
  const isOneShot = auth.session === undefined
  // If two requests finish it, only one of them does the work.
  if (!isOneShot && !(await ports.uia.take(session.id))) return beginAgain(ports, operation)
  return { done: true, session: progressed }
}

/** Holds a session to the password that its first request set. */
async function withPassword(
  ports: AuthPorts,
  { password }: InteractiveOperation,
  session: UiaSession,
): Promise<UiaSession> {
  if (!password) return session
  const held = passwordHashOf(session)
  if (held === undefined) {
    const facts = { ...session.facts, [PASSWORD_HASH]: await newPasswordHash(password, ports) }
    return { ...session, facts }
  }
  if (await verifyPassword(password, held, ports.config)) return session
  throw anotherRequest()
}

/** The session with the stage completed. One that is completed already, or no stage at all, changes nothing. */
async function complete(
  ports: AuthPorts,
  operation: InteractiveOperation,
  session: UiaSession,
  auth: AuthData,
): Promise<UiaSession> {
  const { type } = auth
  if (type === undefined || session.completed.includes(type)) return session
  const stage = operation.stages[type]
  if (stage === undefined || !isNext(operation, session, type)) {
    throw new MatrixError('M_UNRECOGNIZED', `${type} is not the next stage of any flow`)
  }
  const facts = await stage(auth, ports)
  return {
    ...session,
    completed: [...session.completed, type],
    facts: { ...session.facts, ...facts },
  }
}

/** "The stages of a flow are completed in order." */
function isNext({ flows }: InteractiveOperation, { completed }: UiaSession, type: string): boolean {
  return flows.some(
    (flow) =>
      flow[completed.length] === type && isDeepStrictEqual(flow.slice(0, completed.length), completed),
  )
}

function isDone({ flows }: InteractiveOperation, { completed }: UiaSession): boolean {
  return flows.some((flow) => isDeepStrictEqual(flow, completed))
}

/**
 * Holds a session to its operation. A client may ask for the flows with less than it will send in the end, but must not
 * change what it has said.
 */
function bind(session: UiaSession, operation: InteractiveOperation): UiaSession {
  const isSame = Object.entries(operation.body).every(
    ([key, value]) => session.body[key] === undefined || isDeepStrictEqual(session.body[key], value),
  )
  if (session.endpoint !== operation.endpoint || !isSame) {
    throw anotherRequest()
  }
  return { ...session, body: { ...session.body, ...operation.body } }
}

function anotherRequest(): MatrixError {
  return new MatrixError('M_FORBIDDEN', 'The session was begun for another request')
}

function fresh({ random }: AuthPorts, { endpoint, body, facts = {} }: InteractiveOperation): UiaSession {
  return { id: random.token(SESSION_ID_LENGTH), endpoint, body, completed: [], facts }
}

/** "errcode and error" only when a stage failed. `completed` is then there too, even if empty, as on other servers. */
function challenge(operation: InteractiveOperation, session: UiaSession, failure?: MatrixError): Challenge {
  return {
    flows: operation.flows.map((stages) => ({ stages })),
    params: {},
    session: session.id,
    ...((session.completed.length > 0 || failure !== undefined) && { completed: session.completed }),
    ...(failure !== undefined && { errcode: failure.errcode, error: failure.message }),
  }
}
