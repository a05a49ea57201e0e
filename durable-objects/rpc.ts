/** Errors cross an RPC as values: a thrown one loses its class on the way. */
import { AuthRejection, type ErrorValue, MatrixError } from '../src/protocol/errors.ts'

export type RpcResult<T> = { ok: true; value: T } | { ok: false; error: ErrorValue }

/**
 * Runs `work`, and turns a failure that the protocol names into a value. Stands outside the transaction. Work that
 * waits is waited for; work that does not is answered in the same turn.
 */
export function toResult<T>(work: () => T | Promise<T>): RpcResult<T> | Promise<RpcResult<T>> {
  try {
    const value = work()
    return value instanceof Promise ? value.then(success, failure) : success(value)
  } catch (error) {
    return failure(error)
  }
}

const success = <T>(value: T): RpcResult<T> => ({ ok: true, value })

function failure(error: unknown): RpcResult<never> {
  return { ok: false, error: asErrorValue(error) }
}

/** The value behind a result, or the error it carries, thrown with its class again. */
export function fromResult<T>(result: RpcResult<T>): T {
  if (result.ok) return result.value
  throw MatrixError.fromValue(result.error)
}

/** A result as an answer over HTTP. */
export function responseOf(result: RpcResult<Response>): Response {
  if (result.ok) return result.value
  const { errcode, message, status, extra } = result.error
  return Response.json({ errcode, error: message, ...extra }, { status })
}

function asErrorValue(error: unknown): ErrorValue {
  if (error instanceof MatrixError) return error.toValue()
  if (error instanceof AuthRejection) return new MatrixError('M_FORBIDDEN', error.message).toValue()
  throw error
}
