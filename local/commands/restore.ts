/** `npm run restore`: puts a backup into a new data folder, and lets the next start know that it is one. */
import { resolve } from 'node:path'
import type { Manifest } from '../backup/manifest.ts'
import { type LookedFor, lookForMedia, nameOf, requireStores } from '../backup/media.ts'
import { putBack, requireUnused } from '../backup/put-back.ts'
import { type DataFolder, openDataFolder } from '../data-folder.ts'
import { openEmbedded } from '../postgres/embedded.ts'
import { openServer } from '../postgres/server.ts'
import { StartError } from '../start-error.ts'
import { readTold, type Told } from './backup-words.ts'
import { runCommand } from './command.ts'

await runCommand(async () => {
  const told = readTold({
    command: 'npm run restore',
    flag: 'from',
    means: 'the backup',
    help: [
      '  --from <path>  A backup that npm run backup has made.',
      '  The data folder must be new or empty; so must the database that --database-url names. Where media lay elsewhere,',
      '  the options of those stores are how each is looked for.',
    ],
  })
  if (told === undefined) return
  const { place, options } = told
  const path = resolve(options['data-dir'])
  // Before the lock, which takes the rights of others away from all that is in a folder.
  requireUnused(path)
  const folder = openDataFolder(path)
  try {
    requireUnused(path)
    await requireStores(options)
    const manifest = await putBack(resolve(place), folder, options['database-url'])
    console.log(`restored ${manifest.server_name} as of ${manifest.made_at}: ${manifest.files.length} files`)
    console.log('each client reads its rooms anew, and none of what was handed out since then counts')
    reportMedia(manifest, options, await lookedFor(folder, options))
  } finally {
    folder.unlock()
  }
})

async function lookedFor(folder: DataFolder, options: Told['options']): Promise<LookedFor> {
  const url = options['database-url']
  const database = url === undefined ? await openEmbedded(folder.postgres) : await openServer(url)
  try {
    return await lookForMedia(folder.objects, database, options)
  } finally {
    await database.close()
  }
}

/** @throws StartError where media are in none of their stores */
function reportMedia(
  { media_elsewhere: elsewhere = [] }: Manifest,
  options: Told['options'],
  { known, outside, missing }: LookedFor,
): void {
  if (missing.length === 0) {
    console.log(
      `media: all ${known} are there${outside === 0 ? '' : `, ${outside} of them not in the data folder`}`,
    )
    return
  }
  const unasked = elsewhere.filter(
    ({ store }) => options[store === 's3' ? 's3-endpoint' : 'ipfs-api'] === undefined,
  )
  if (unasked.length > 0) {
    console.log(
      `media: ${missing.length} of ${known} are not in the data folder, and ${unasked.map(nameOf).join(' and ')} was not asked: name it by its options, as the server has it`,
    )
    return
  }
  for (const id of missing) console.error(`missing: ${id}`)
  throw new StartError(
    `${missing.length} of ${known} media are in no store, and all else is restored: put them back where they lay`,
  )
}
