/** A message, a reader of it, and what a single rule says. */
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import {
  evaluatePush,
  type PushContext,
  type PushEvent,
} from '../../../../src/protocol/push/push-evaluator.ts'

export const me = '@me:test.example'
export const context: PushContext = {
  userId: me,
  displayName: 'Mo (she*)',
  joined: 3,
  mayNotify: () => false,
}

export const event = (content: JsonObject, rest: JsonObject = {}): PushEvent => ({
  type: 'm.room.message',
  sender: '@other:test.example',
  room_id: '!room',
  ...rest,
  content,
})

export const text = (body: string) => event({ msgtype: 'm.text', body })

/** Whether a rule with only this condition matches. */
export const holds = (condition: JsonObject, of: PushEvent, within: Partial<PushContext> = {}) =>
  evaluatePush({ override: [{ rule_id: 'x', actions: ['notify'], conditions: [condition] }] }, of, {
    ...context,
    ...within,
  }).notify
