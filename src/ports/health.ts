/** What the deep health check keeps, so that it asks a database that sleeps only now and then. */

/** What Postgres last said, and when. */
export interface LastAnswer {
  ok: boolean
  at: number
}

export interface DeepHealth {
  /** What Postgres said when any isolate last asked; undefined if that is longer ago than is kept. */
  lastAnswer(): Promise<LastAnswer | undefined>
  /** Whether this isolate is to ask now: one of them is, in so many seconds. */
  isToAsk(seconds: number): Promise<boolean>
  note(answer: LastAnswer, seconds: number): Promise<void>
}
