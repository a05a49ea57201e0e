/** Which profiles have changed (MSC4262): marks in rooms, as of devices. Who sends what they hold asks their owners. */
import type { ProfileMark, RoomSlice } from '../../../../src/objects/room/sync.ts'
import type { Task } from './room-plan.ts'
import type { RoomPart } from './stream.ts'

/** A mark, and the task that brought it. */
export interface ToldMark extends ProfileMark {
  task: Task
}

export const profileMarks: RoomPart = {
  take(increments, since, slice) {
    const marks = increments.flatMap(({ profiles = [] }) => profiles).filter(({ pos }) => pos > since)
    if (marks.length > 0) slice.profiles = marks
  },
}

export function marksOf(slices: ReadonlyMap<Task, RoomSlice>): ToldMark[] {
  const told: ToldMark[] = []
  for (const [task, { profiles = [] }] of slices) for (const mark of profiles) told.push({ ...mark, task })
  return told
}
