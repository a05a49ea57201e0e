/** What users have reported. */

export interface Report {
  reporter: string
  roomId?: string
  eventId?: string
  userId?: string
  reason: string
}

/** A report as it was kept. */
export interface KeptReport extends Report {
  id: number
  receivedTs: number
}

export interface ReportStore {
  add(report: Report, now: number): Promise<void>
  /** Reports before an id, newest first. */
  list(before: number, limit: number): Promise<KeptReport[]>
  find(id: number): Promise<KeptReport | undefined>
}
