/** Where an object lives: in the jurisdiction of the first deployment, near the place that it named. See `docs/decisions/`, 29. */
import { portsOf } from '../src/context.ts'
import type { Env } from '../src/env.ts'
import { objectAt } from '../src/placement.ts'
import type { ObjectKind } from './rpc-table.ts'

const BINDINGS = {
  room: 'ROOM',
  user: 'USER',
  partition: 'PARTITION',
  destination: 'DESTINATION',
} as const

/** The stub of the object of this name. */
export function stubOf(env: Env, kind: ObjectKind, name: string): DurableObjectStub {
  return objectAt(env[BINDINGS[kind]], portsOf(env).config.placement, name)
}

/**
 * Asked before an isolate's first call of an object, and undefined from then on.
 * @throws MatrixError 503 where the objects of this server live elsewhere
 */
export function confirmPlacement(env: Env): Promise<void> | undefined {
  return portsOf(env).placement.confirm()
}
