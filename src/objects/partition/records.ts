/** What a partition is told, and what is asked of it. */
import type { From, Topic } from '../../protocol/event-stream.ts'

/** A record before it has an offset. */
export interface NewRecord {
  /** Its place in the log of the room or user it comes from. */
  pos: number
  topic: Topic
  /** A JSON object. */
  body: string
}

/** An earlier record of the topic `events` loses its content. */
export interface Strip {
  /** The place of what brings it about. */
  pos: number
  /** The place of the record. */
  of: number
  /** What stands there from now on: a JSON object. */
  body: string
}

/** What a room or a user tells in one go. It may come twice: a partition takes nothing at or below what it has. */
export interface Delivery {
  /** The room or the user: the key of the records. */
  source: string
  records: NewRecord[]
  strips: Strip[]
  /** The place up to which this is all there is. */
  upTo: number
}

/** By which token something is asked; undefined: the operator's. */
export type TokenId = string | undefined

/** How a consumer acts for a group: `epoch` shows that the partition is its own. */
export interface ForGroup {
  group: string
  /** 0: the group has no members, and its consumers divide the partitions themselves. */
  epoch: number
}

export interface ReadRequest {
  token: TokenId
  topic: Topic
  /** Where to begin; for a group that has committed, only what stands in for a commit. */
  from: From
  /** Begins at what the group has committed. */
  of?: ForGroup
  limit: number
}

/** A piece of a topic's log. */
export interface LogSlice {
  /** The records' JSON, with commas between them. */
  records: string
  count: number
  /** Where the slice begins: the offset that was asked for, or the first one that is still kept. */
  offset: number
  /** Where to go on. */
  next: number
  first: number
  end: number
}

/** The wait for records at or after an offset. */
export interface WaitRequest {
  token: TokenId
  topic: Topic
  offset: number
}

/** A consumer's socket: it is given what comes, one slice at a time. */
export interface ConsumeRequest extends ReadRequest {
  /** When its token expires, ms. */
  expiresAt?: number
}

/** What a partition says of itself. */
export interface PartitionStatus {
  partition: number
  sockets: number
  topics: Record<Topic, TopicStatus>
  groups: CommittedOffset[]
}

export interface TopicStatus {
  first: number
  end: number
  bytes: number
  /** When the oldest and the newest batch that are kept were appended, ms. */
  oldest?: number
  newest?: number
}

export interface CommittedOffset {
  group: string
  topic: Topic
  offset: number
  epoch: number
  /** When it was committed, ms. */
  at: number
}
