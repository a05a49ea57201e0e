/** Puts the data folder of the earlier version back as it was when its server stopped. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { projectRoot } from '../../local/paths.ts'
import { type PostgresRows, writePostgres } from './postgres-rows.ts'
import type { Recorded } from './questions.ts'
import type { Scene } from './scene.ts'

const HOUR_MS = 3_600_000

export interface EarlierData {
  /** What `--data-dir` names. */
  folder: string
  scene: Scene
  answers: Recorded[]
}

/** Unpacks the folder into a new one, and makes its embedded Postgres. */
export async function putBack(): Promise<EarlierData> {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-earlier-'))
  execFileSync('tar', ['-xzf', join(projectRoot, 'test/fixtures/earlier-version.tar.gz'), '-C', folder])
  const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'))
  await writePostgres(join(folder, 'postgres'), read('postgres.json') as PostgresRows)
  delayAgain(join(folder, 'objects'))
  return { folder, scene: read('scene.json') as Scene, answers: read('answers.json') as Recorded[] }
}

/** The longest delay is a day, and the data is older: the event is put off to an hour from now. */
function delayAgain(objects: string): void {
  const rooms = readdirSync(objects, { recursive: true, encoding: 'utf8' })
    .filter((name) => /Room[/\\].*\.sqlite$/.test(name))
    .map((name) => new DatabaseSync(join(objects, name)))
  for (const room of rooms) {
    const hasTable = room.prepare("SELECT 1 FROM sqlite_master WHERE name = 'delayed_events'").get()
    if (hasTable !== undefined)
      room.prepare('UPDATE delayed_events SET send_at = ?').run(Date.now() + HOUR_MS)
    room.close()
  }
}
