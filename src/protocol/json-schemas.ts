/**
 * Schemas for objects whose keys others choose. Those of zod leave out a key named `__proto__` without a word, which
 * JSON.parse reads as any other; these keep it, so that nothing is answered 200 and lost.
 */
import * as z from 'zod'

const PROTO = '__proto__'

/** zod types these as assertions, which TypeScript takes from names with a type of their own alone. */
type Init<T extends z.ZodType> = (schema: T, def: T['_zod']['def']) => void
const initRecord: Init<z.ZodRecord> = z.ZodRecord.init
const initObject: Init<z.ZodObject> = z.ZodObject.init
const initIntersection: Init<z.ZodIntersection> = z.ZodIntersection.init

const Kept = {
  Record: z.core.$constructor<z.ZodRecord>('KeptRecord', (inst, def) => {
    initRecord(inst, def)
    const { parse } = inst._zod
    inst._zod.parse = (payload, ctx) => {
      const given = protoOf(payload.value)
      const parsed = parse(payload, ctx)
      if (given === undefined || 'then' in parsed) return parsed
      const key = def.keyType._zod.run({ value: PROTO, issues: [] }, ctx)
      const value = def.valueType._zod.run({ value: given.value, issues: [] }, ctx)
      if ('then' in key || 'then' in value) throw new z.core.$ZodAsyncError()
      if (key.issues.length > 0) {
        const issues = key.issues.map((issue) => z.core.util.finalizeIssue(issue, ctx, z.core.config()))
        parsed.issues.push({
          code: 'invalid_key',
          origin: 'record',
          issues,
          input: PROTO,
          path: [PROTO],
          inst,
        })
        return parsed
      }
      parsed.issues.push(...z.core.util.prefixIssues(PROTO, value.issues))
      return keep(parsed, value.value)
    }
  }),

  LooseObject: z.core.$constructor<z.ZodObject>('KeptLooseObject', (inst, def) => {
    initObject(inst, def)
    const { parse } = inst._zod
    inst._zod.parse = (payload, ctx) => {
      const given = protoOf(payload.value)
      const parsed = parse(payload, ctx)
      return given === undefined || 'then' in parsed ? parsed : keep(parsed, given.value)
    }
  }),

  Intersection: z.core.$constructor<z.ZodIntersection>('KeptIntersection', (inst, def) => {
    initIntersection(inst, def)
    const { parse } = inst._zod
    inst._zod.parse = (payload, ctx) => {
      const input = payload.value
      const parsed = parse(payload, ctx)
      if (!('then' in parsed) && parsed.issues.length === 0) parsed.value = input
      return parsed
    }
  }),
}

/** In place of `z.record`. */
export function record<Key extends z.core.$ZodRecordKey, Value extends z.ZodType>(
  keyType: Key,
  valueType: Value,
): z.ZodRecord<Key, Value> {
  return new Kept.Record({ type: 'record', keyType, valueType }) as unknown as z.ZodRecord<Key, Value>
}

/** In place of `z.looseObject`. */
export function looseObject<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$loose> {
  const schema = new Kept.LooseObject({ type: 'object', shape, catchall: z.unknown() })
  return schema as unknown as z.ZodObject<Shape, z.core.$loose>
}

/** In place of `z.intersection`: what fits both schemas, as it was given. Neither may change it. */
export function asGiven<Left extends z.ZodType, Right extends z.ZodType>(
  left: Left,
  right: Right,
): z.ZodIntersection<Left, Right> {
  const schema = new Kept.Intersection({ type: 'intersection', left, right })
  return schema as unknown as z.ZodIntersection<Left, Right>
}

function protoOf(input: unknown): PropertyDescriptor | undefined {
  return typeof input === 'object' && input !== null
    ? Object.getOwnPropertyDescriptor(input, PROTO)
    : undefined
}

/** Unlike assignment, this makes a property of it. */
function keep(parsed: z.core.ParsePayload, value: unknown): z.core.ParsePayload {
  if (typeof parsed.value === 'object' && parsed.value !== null)
    Object.defineProperty(parsed.value, PROTO, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  return parsed
}
