/** Calls of objects within a trace: what an object of the version before cannot do, and what is told of a call. */
import { describe, expect, it } from 'vitest'
import { answerTraced, askTraced, operationOf } from '../../durable-objects/traced.ts'
import type { TraceContext } from '../../src/ports/traces.ts'
import { systemClock, systemRandom } from '../../src/system.ts'
import { asTransaction, Trace } from '../../src/tracing/trace.ts'

const send = operationOf('room', 'send')
const stored = async () => {}
const trace = () => new Trace(systemClock, systemRandom)
const namesOf = (of: Trace) => of.end('request', {}, false).map(({ name }) => name)

/** An object as its stub calls it. */
const room = (work: () => unknown) => ({
  send: work,
  traced: (context: TraceContext, method: string) =>
    answerTraced(context, operationOf('room', method), work, stored),
})

describe('a call of an object', () => {
  it('is made as it is where nothing is traced', async () => {
    const object = { send: (...args: unknown[]) => args }
    expect(await askTraced(object, 'send', [1, 2])).toEqual([1, 2])
  })

  it('takes its place with it, and brings what was timed back', async () => {
    const request = trace()
    const object = room(() => asTransaction(() => ({ ok: true, value: 'sent' })))
    expect(await request.run(() => askTraced(object, 'send', []))).toEqual({ ok: true, value: 'sent' })
    expect(namesOf(request)).toEqual(['request', 'room.send', 'storage.transaction', 'storage.commit'])
  })

  it('waits for no disk where nothing was written', async () => {
    const request = trace()
    await request.run(() =>
      askTraced(
        room(() => ({ ok: true, value: 'read' })),
        'send',
        [],
      ),
    )
    expect(namesOf(request)).toEqual(['request', 'room.send'])
  })

  it('is made without the trace where the object is of the version before', async () => {
    const object = {
      send: (...args: unknown[]) => args,
      async traced() {
        throw new TypeError('The RPC receiver does not implement the method "traced".')
      },
    }
    expect(await trace().run(() => askTraced(object, 'send', ['once']))).toEqual(['once'])
  })

  it('is not made again where it fails', async () => {
    let calls = 0
    const object = {
      send: () => {
        calls += 1
      },
      async traced() {
        throw new TypeError('a fault of ours')
      },
    }
    await expect(trace().run(() => askTraced(object, 'send', []) as Promise<unknown>)).rejects.toThrow(
      'a fault',
    )
    expect(calls).toBe(0)
  })

  it('after the answer belongs to no trace', async () => {
    const request = trace()
    request.end('request', {}, false)
    const object = { send: () => 'afterwards' }
    expect(await request.run(() => askTraced(object, 'send', []))).toBe('afterwards')
  })

  it.each([
    [{ ok: false, error: { errcode: 'M_FORBIDDEN', message: 'no', status: 403 } }, 'M_FORBIDDEN', false],
    [{ ok: false, error: { errcode: 'M_UNKNOWN', message: 'no', status: 503 } }, 'M_UNKNOWN', true],
    [{ ok: true, value: 1 }, undefined, false],
  ])('tells how it went: %j', async (answer, code, failed) => {
    const context = { traceId: '1'.repeat(32), spanId: '2'.repeat(16) }
    const { spans } = await answerTraced(context, send, () => answer, stored)
    expect(spans).toMatchObject([
      { ...context, spanId: expect.any(String), parentSpanId: context.spanId, failed },
    ])
    expect(spans[0]!.attributes['error.type']).toBe(code)
  })
})
