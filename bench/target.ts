/** What is measured: a homeserver that the bench can start. */

import type { FigureId, Sizes } from './figures.ts'
import type { HttpClient } from './http.ts'
import type { Summary, Timing } from './measure.ts'

export type RunName = 'selvedge' | 'ceiling' | 'synapse'

export interface Server {
  url: string
  /** Roots of the process trees whose memory is the server's; none for a server we did not start. */
  pids: readonly number[]
  /** Stops it in order, and starts it with what it has stored, at the same address. Absent where it is not ours. */
  restart?(): Promise<void>
  stop(): Promise<void>
}

export interface Target {
  name: RunName
  title: string
  sizes: Sizes
  start(): Promise<Server>
}

/** What one run measured. */
export interface Run {
  title: string
  sizes: Sizes
  figures: Partial<Record<FigureId, Summary>>
  failures: { row: string; error: string }[]
}

export type Runs = Partial<Record<RunName, Run>>

export interface RowContext {
  server: Server
  http: HttpClient
  sizes: Sizes
  timing: Timing
  record(figure: FigureId, rounds: readonly number[]): void
}

export interface Row {
  name: string
  description: string
  /** Whether it needs a server of its own, so that what other rows left behind is not counted. */
  ownServer?: boolean
  /** The one target it says something of; all of them unless told. */
  only?: RunName
  run(context: RowContext): Promise<void>
}
