/** Tables of RPC methods: one row says everything about a method, and a class gets its methods from the rows. */
import type { Session } from '../src/objects/user/session.ts'
import type { TraceContext } from '../src/ports/traces.ts'
import { type RpcResult, toResult } from './rpc.ts'
import { answerTraced, type ObjectKind, operationOf, TRACED } from './traced.ts'

export type { ObjectKind }

/** What is true of a method besides what it does. */
interface RowFacts {
  /** A second run changes nothing more: the call is made again when the object was reset in the middle. */
  repeatable: boolean | ((...args: never[]) => boolean)
  /** Its arguments or its answer grow with a room: they may have the larger of the two bounds of `src/limiter.ts`. */
  large?: true
  /**
   * What the gate answers in place of an object that does not exist: the same as an object that shows the asker
   * nothing.
   * Without this: M_NOT_FOUND. `ask`: the object is asked all the same.
   */
  absent?: 'ask' | (() => unknown)
}

export interface RpcRow<Parts> extends RowFacts {
  /**
   * `checked`: a client's own request, whose session comes first and is checked before anything else. `by row`: the row
   * asks more of the session than the check does, or less. `none`: the server's own request.
   */
  session: 'checked' | 'by row' | 'none'
  run: (parts: Parts, ...args: never[]) => unknown
}

export type RpcTable<Parts> = Record<string, RpcRow<Parts>>

/** What a row is called with. This includes the session, even where the row itself has no use for it. */
type ArgsOf<Row> = Row extends { session: 'checked'; run: (parts: never) => unknown }
  ? [session: Session]
  : Row extends { run: (parts: never, ...args: infer Args) => unknown }
    ? Args
    : never

/** A row that checks a session must be called with one, and what stands in for an answer must have the answer's type. */
type Sound<Table> = {
  [Method in keyof Table]: CheckedIsGiven<Table[Method]> & AbsentAnswers<Table[Method]>
}

type CheckedIsGiven<Row> = Row extends { session: 'checked' }
  ? ArgsOf<Row> extends [Session, ...unknown[]]
    ? unknown
    : never
  : unknown

type AbsentAnswers<Row> = Row extends {
  absent: () => infer Absent
  run: (parts: never, ...args: never[]) => infer Value
}
  ? [Absent] extends [Awaited<Value>]
    ? unknown
    : never
  : unknown

/** Checks a table, and keeps the types of its rows. */
export const rpcTable =
  <Parts>() =>
  <Table extends RpcTable<Parts>>(table: Table & Sound<Table>): Table =>
    table

/** A table as its callers see it: what a row runs is the definition of the call. */
export type GatewayOf<Table> = {
  [Method in keyof Table]: Table[Method] extends { run: (parts: never, ...args: never[]) => infer Value }
    ? (...args: ArgsOf<Table[Method]>) => Promise<Awaited<Value>>
    : never
}

/** The rows in this isolate, by operation, such as `room.send`: callers ask them for what is true of a call. */
const rows = new Map<string, RowFacts>()

/** Whether the call may be made again when the object was reset in the middle. */
export function mayRepeat(kind: ObjectKind, method: string, args: unknown[]): boolean {
  const repeatable = rows.get(`${kind}.${method}`)?.repeatable ?? false
  return typeof repeatable === 'function' ? repeatable(...(args as never[])) : repeatable
}

/** What is answered where there is no such object; undefined: M_NOT_FOUND. */
export function absentOf(kind: ObjectKind, method: string): RowFacts['absent'] {
  return rows.get(`${kind}.${method}`)?.absent
}

/** Whether the operation's values may have the larger bound. */
export function isLarge(operation: string): boolean {
  return rows.get(operation)?.large === true
}

/**
 * Gives a class a method for each row. What a row throws crosses the call as a value, and each row that wants its
 * session checked has it checked first.
 * @param check left out by an object that knows no sessions; then no row may ask for a check
 * @param stored answers once what an object has written is on the disk: for traces
 */
export function installRpc<Parts, Self extends object>(
  { prototype }: { prototype: Self },
  kind: ObjectKind,
  table: RpcTable<Parts>,
  { partsOf, check, stored }: Installed<Parts, Self>,
): void {
  for (const [name, row] of Object.entries(table)) {
    rows.set(`${kind}.${name}`, row)
    const run = row.run as (parts: Parts, ...args: unknown[]) => unknown
    const before = row.session === 'checked' ? check : undefined
    if (row.session === 'checked' && before === undefined) {
      throw new Error(`A ${kind} knows no sessions: the row ${name} cannot have one checked`)
    }
    const method = function (
      this: Self,
      ...args: unknown[]
    ): RpcResult<unknown> | Promise<RpcResult<unknown>> {
      return toResult(() => {
        const parts = partsOf(this)
        before?.(parts, args[0] as Session)
        return run(parts, ...args)
      })
    }
    Object.defineProperty(prototype, name, { value: method, configurable: true, writable: true })
  }
  const traced = function (this: Self, context: TraceContext, name: string, args: unknown[]) {
    if (!Object.hasOwn(table, name)) throw new TypeError(`A ${kind} has no method ${name}`)
    const method = (this as Record<string, (...args: unknown[]) => unknown>)[name]!
    return answerTraced(
      context,
      operationOf(kind, name),
      () => method.apply(this, args),
      () => stored(this),
    )
  }
  Object.defineProperty(prototype, TRACED, { value: traced, configurable: true, writable: true })
}

interface Installed<Parts, Self> {
  partsOf: (self: Self) => Parts
  check?: (parts: Parts, session: Session) => void
  stored: (self: Self) => Promise<void>
}
