/** Raises the generation of a data folder that holds a backup: what clients and Redis have from before is void then. */
import type { DataFolder } from './data-folder.ts'
import { readKeys } from './keys.ts'
import { objectsPart } from './marks.ts'
import { type Mark, nextGeneration } from './parts.ts'
import { StartError } from './start-error.ts'

type Folder = Pick<DataFolder, 'keys' | 'objects'>

/** The mark that a raised generation gives. Nothing is written yet. @throws StartError where parts of two servers meet */
export function raisedMark(folder: Folder): Mark {
  const id = readKeys(folder.keys)?.instance_id
  if (id === undefined)
    throw new StartError(`${folder.keys} names no server: start the server once on this folder`)
  const objects = objectsPart(folder)
  const known = objects.mark ?? { id, generation: 0, starts: 0 }
  if (known.id !== id)
    throw new StartError(`${objects.name} belongs to another server (${known.id}): ${objects.remedy}`)
  return { ...known, generation: nextGeneration(known.generation, Date.now()) }
}

/** Lets the next start know it. */
export async function raiseGeneration(folder: Folder): Promise<void> {
  await objectsPart(folder).write(raisedMark(folder))
}
