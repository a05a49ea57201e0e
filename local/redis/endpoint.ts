/** The REST endpoint that Upstash's client speaks to: one command, a pipeline, or a transaction. */
import * as z from 'zod'
import type { JsonAnswer } from '../runtime/service.ts'
import { codeOf, messageOf } from '../start-error.ts'
import { abortedMessage, type Outcome, type RedisBackend } from './backend.ts'

export interface RedisRequest {
  path: string
  body: string
}

/** Answers one request of the client. */
export type RedisService = (request: RedisRequest) => Promise<JsonAnswer>

const Word = z.union([z.string(), z.number(), z.boolean()]).transform(String)
const Command = z.array(Word).min(1)
const Commands = z.array(Command)

/** The endpoint in front of `backend`. */
export function redisEndpoint(backend: RedisBackend): RedisService {
  return async ({ path, body }) => {
    try {
      const json: unknown = JSON.parse(body)
      if (path === '/') return single(await backend.run([Command.parse(json)], false))
      if (path === '/pipeline') return { status: 200, json: await backend.run(Commands.parse(json), false) }
      if (path === '/multi-exec') return multi(await backend.run(Commands.parse(json), true))
      return refused(404, `ERR unknown path '${path}'`)
    } catch (error) {
      if (error instanceof z.ZodError || error instanceof SyntaxError) {
        return refused(400, 'ERR failed to parse command')
      }
      return { status: 503, json: { error: messageOf(error), code: codeOf(error) } }
    }
  }
}

function single([outcome]: Outcome[]): JsonAnswer {
  return { status: 'error' in outcome! ? 400 : 200, json: outcome }
}

function multi(outcomes: Outcome[]): JsonAnswer {
  const aborted = outcomes.some((outcome) => 'error' in outcome && outcome.error === abortedMessage)
  // A transaction of refused commands alone has no outcome that says so: the first refusal does.
  if (aborted || outcomes.every((outcome) => 'error' in outcome)) return refused(400, abortedMessage)
  return { status: 200, json: outcomes }
}

function refused(status: number, error: string): JsonAnswer {
  return { status, json: { error } }
}
