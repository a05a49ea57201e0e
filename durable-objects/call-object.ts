/** One call of an object: in its place, counted, and once more where its object was reset in the middle. */
import type { Env } from '../src/env.ts'
import { asUnderWay, checkValue, countCall } from '../src/limiter.ts'
import type { CallCounters } from '../src/ports/system.ts'
import { MatrixError } from '../src/protocol/errors.ts'
import { asSpan, isTraced } from '../src/tracing/trace.ts'
import { overloadIfPlanned, resetIfPlanned, throughFaults } from './network-faults.ts'
import { confirmPlacement, stubOf } from './placement.ts'
import { fromResult, type RpcResult } from './rpc.ts'
import { isLarge, mayRepeat, type ObjectKind } from './rpc-table.ts'
import { addressOf, adoptFrom, askTraced, operationOf } from './traced.ts'

/** A test cut this request's Worker off, as a client that goes away does in production. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone'
}

export interface StubOptions {
  /** Tests: the Worker is cancelled when this RPC, such as `room.send`, or its first one has been answered. */
  dropAfterRpc?: 'first' | (string & {})
  /** The caller is a slice of a fan-out already: it asks everybody itself. */
  isSlice?: boolean
}

/** What answers with a WebSocket goes by `fetch`: an RPC cannot carry one. */
const OVER_FETCH: ReadonlySet<string> = new Set(['sync', 'slide', 'stream', 'wait', 'consume'])

export type Call = (...args: unknown[]) => Promise<unknown>

/** The object of `name`: whatever is asked of it is called by its row's name. */
export function gateway<Gateway>(
  env: Env,
  { kind, name }: { kind: ObjectKind; name: string },
  counters: CallCounters,
  options: StubOptions,
): Gateway {
  const connect = () => stubOf(env, kind, name)
  const timed = <T>(method: string, work: () => Promise<T>): Promise<T> => {
    if (!isTraced()) return work()
    const { name: called, attributes } = operationOf(kind, method)
    return asSpan(called, attributes, work)
  }
  const call = async (method: string, args: unknown[]): Promise<unknown> => {
    const operation = `${kind}.${method}`
    counters.count(operation)
    countCall(operation)
    checkValue(operation, args, isLarge(operation))
    // The caller of a slice has asked, and may have left it no call of a service.
    const asking = options.isSlice ? undefined : confirmPlacement(env)
    if (asking !== undefined) await asking
    const ask = async () => {
      overloadIfPlanned(operation)
      const value = await askTraced(connect(), method, args)
      resetIfPlanned(operation)
      return value
    }
    const answer = await throughFaults(operation, () =>
      asUnderWay(() => onceMore(ask, () => mayRepeat(kind, method, args))),
    )
    checkValue(operation, answer, isLarge(operation))
    dropIfAsked(options, operation)
    return fromResult(answer as RpcResult<unknown>)
  }
  const viaFetch = async (method: string, request: unknown): Promise<Response> => {
    const operation = `${kind}.${method}`
    counters.count(operation)
    countCall(operation)
    const asking = confirmPlacement(env)
    if (asking !== undefined) await asking
    const address = addressOf(method, request)
    const ask = async () => {
      overloadIfPlanned(operation)
      return adoptFrom(await connect().fetch(address, { headers: { Upgrade: 'websocket' } }))
    }
    const response = await onceMore(ask, () => true)
    dropIfAsked(options, operation)
    return response
  }
  return new Proxy({} as object, {
    get: (_, method) => {
      // With a `then`, `await` would take the gateway for a promise.
      if (typeof method !== 'string' || method === 'then') return undefined
      if (OVER_FETCH.has(method)) return (request: unknown) => timed(method, () => viaFetch(method, request))
      return (...args: unknown[]) => timed(method, () => call(method, args))
    },
  }) as Gateway
}

/** Runs `work`. Runs it again if its object was reset in the middle and a second run changes nothing more. */
async function onceMore<T>(work: () => Promise<T>, mayRepeat: () => boolean): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isOverloaded(error) || !isReset(error) || !mayRepeat()) throw unavailable(error)
  }
  return work().catch((error) => {
    throw unavailable(error)
  })
}

/** @throws ClientGone */
function dropIfAsked({ dropAfterRpc }: StubOptions, operation: string): void {
  if (dropAfterRpc === 'first' || dropAfterRpc === operation) throw new ClientGone()
}

/** What the platform says of a call that failed. */
type Marks = { durableObjectReset?: boolean; overloaded?: boolean; retryable?: boolean } | null

function isReset(error: unknown): boolean {
  const marks = error as Marks
  return marks?.durableObjectReset === true || marks?.retryable === true
}

/** More calls wait for the object than it can answer: asking again would add one more. */
function isOverloaded(error: unknown): boolean {
  return (error as Marks)?.overloaded === true
}

/** When a client may come back to an object that has too much to do, ms. */
const OVERLOADED_MS = 5_000

/** An object that cannot be reached is a passing fault of ours: never a verdict about the request. */
function unavailable(error: unknown): unknown {
  if (isOverloaded(error)) {
    const extra = { retry_after_ms: OVERLOADED_MS }
    return new MatrixError('M_UNKNOWN', 'The server is busy; try again soon', { status: 503, extra })
  }
  if (!isReset(error)) return error
  return new MatrixError('M_UNKNOWN', 'The server was interrupted; try again', { status: 503 })
}
