/** Mistakes in the launcher and the commands. */
import { inFile, type Mutant } from '../mutant.ts'

export const LOCAL: readonly Mutant[] = [
  ...inFile(
    'local/migrations.ts',
    ['test/local/migrations.test.ts'],
    [
      ['} else if (checksum !== migration.checksum) {', '} else if (false) {'],
      ["    await connection.script('rollback').catch(() => {})\n", ''],
      ['    .sort()\n', '', { equal: 'Node lists a folder in the order of its names, without promising it' }],
      ['    .sort()\n', '    .sort()\n    .reverse()\n'],
      ['      applied.push(migration.name)\n', ''],
    ],
  ),
  ...inFile(
    'local/parts.ts',
    ['test/local/parts.test.ts', 'test/local/belonging.test.ts', 'test/local/restore.test.ts'],
    [
      ['if (mark === undefined || mark.id === id) return\n', 'return\n'],
      ['marks.some((mark) => mark.starts !== starts)', 'false'],
      ['!postgres.hasAccounts && objects.hasUsers()', 'false'],
      ['objects.mark && !postgres.mark && postgres.hasAccounts', 'false'],
      ['return Math.max(now, generation + 1)', 'return generation + 1'],
      ['starts: starts + 1 })', 'starts })'],
    ],
  ),
  ...inFile(
    'local/data-folder.ts',
    ['test/local/belonging.test.ts'],
    [
      ['  if (isMainThread) process.umask(OTHERS)\n', ''],
      ['    makePrivate(root)\n', ''],
    ],
    'a data folder',
  ),
  ...inFile(
    'local/data-folder.ts',
    ['test/local/instance.test.ts'],
    [['lockFolder(root, `--data-dir ${root} is in use by another Selvedge`)', '() => {}']],
    'refused to a second instance',
  ),
  ...inFile(
    'local/options/public-address.ts',
    ['test/local/options.test.ts'],
    [
      ["  ['172.16.0.0', 12],\n", ''],
      ["  ['fc00::', 7],\n", ''],
      ["host.replace(/^\\[|\\]$/g, '').toLowerCase()", 'host.toLowerCase()'],
    ],
    'open registration',
  ),
  ...inFile(
    'local/options/nearest.ts',
    ['test/local/options.test.ts'],
    [['letter === b[j] ? 0 : 1', 'letter === b[j] ? 1 : 1']],
    'unknown variable',
  ),
]
