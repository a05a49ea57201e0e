/** Opaque tokens of lists: the place to go on from, as JSON in base64, checked when it comes back. */
import { Buffer } from 'node:buffer'
import * as z from 'zod'
import { decodeBase64Url, encodeBase64Url } from '../../src/protocol/base64.ts'
import { MatrixError } from '../../src/protocol/errors.ts'

/** Numbers as Postgres compares them: a forged one beyond its type must not fail inside the database. */
export const SmallInt = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
/** A rank of a search, which is of four bytes in Postgres. */
export const Real = z.number().min(0).max(1e9).transform(Math.fround)

export function writePageToken(place: unknown): string {
  return encodeBase64Url(Buffer.from(JSON.stringify(place)))
}

/** The place behind a token. @throws MatrixError M_INVALID_PARAM for a token that this list never gave */
export function readPageToken<T extends z.ZodType>(schema: T, token: string): z.infer<T> {
  const result = schema.safeParse(parsed(token))
  if (result.success) return result.data
  throw unknownToken()
}

function parsed(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(decodeBase64Url(token)).toString())
  } catch {
    throw unknownToken()
  }
}

function unknownToken(): MatrixError {
  return new MatrixError('M_INVALID_PARAM', 'Unknown pagination token')
}
