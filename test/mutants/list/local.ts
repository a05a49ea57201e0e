/** Mistakes in the launcher and the commands. */
import { inFile, type Mutant } from '../mutant.ts'

export const LOCAL: readonly Mutant[] = [
  ...inFile(
    'local/migrations.ts',
    ['test/local/migrations.test.ts'],
    [
      ['} else if (checksum !== migration.checksum) {', '} else if (false) {'],
      ["    await connection.script('rollback').catch(() => {})\n", ''],
      ['    .sort()\n', ''],
      ['      applied.push(migration.name)\n', ''],
    ],
  ),
]
