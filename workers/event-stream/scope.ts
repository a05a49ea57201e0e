/** What stands in the paths of the event stream, and what a token lets its holder ask. */
import * as z from 'zod'
import type { ConsumerRequester } from '../../src/accounts/requester.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { PARTITIONS, TOPICS, type Topic } from '../../src/protocol/event-stream.ts'

export const TopicName = z.enum(TOPICS)
export const PartitionNumber = z
  .string()
  .regex(/^\d{1,2}$/, 'not a partition')
  .transform(Number)
  .pipe(z.number().max(PARTITIONS - 1, `there are ${PARTITIONS} partitions, from 0`))
export const GroupName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,128}$/, 'must be 1 to 128 of A-Z, a-z, 0-9, ., _ and -')
export const MemberId = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,128}$/, 'must be 1 to 128 of A-Z, a-z, 0-9, ., _ and -')
export const Offset = z.int().min(0)
export const Epoch = z.int().min(0)

export const served = ({ eventStream }: { eventStream: { on: boolean } }) => eventStream.on

/** @throws MatrixError M_FORBIDDEN unless the token is for the topic */
export function requireTopic({ topics }: ConsumerRequester, topic: Topic): void {
  if (!topics.includes(topic)) throw new MatrixError('M_FORBIDDEN', `The token is not for the topic ${topic}`)
}

/** @throws MatrixError M_FORBIDDEN unless the token is for the group */
export function requireGroup({ group }: ConsumerRequester, asked: string): void {
  if (group !== undefined && group !== asked)
    throw new MatrixError('M_FORBIDDEN', `The token is not for the group ${asked}`)
}
