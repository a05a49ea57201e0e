/** A consumer of the event stream of a Selvedge homeserver. See README.md. */
export { EventStreamError } from './api.ts'
export { GroupConsumer } from './consumer.ts'
export type { Batch, GroupConsumerOptions, StreamRecord, Topic } from './types.ts'
