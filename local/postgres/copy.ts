/** Copies all tables of one database into an empty one, in one transaction, and compares both sides. */
import { StartError } from '../start-error.ts'
import type { Connection, Database } from './database.ts'
import { columnsOf, insertRows, quoted, rowsOf, SAME_TEXT, setSequences, sumOf, tablesOf } from './tables.ts'

export interface CopiedTable {
  name: string
  rows: number
}

/**
 * Copies everything, both sides being migrated alike; answers what there is.
 * @throws StartError where both sides differ afterwards: then the target is as it was
 */
export function copyTables(source: Database, target: Database): Promise<CopiedTable[]> {
  return source.use((from) =>
    target.use(async (to) => {
      for (const side of [from, to]) await side.script(`${SAME_TEXT}; begin`)
      try {
        const copied: CopiedTable[] = []
        for (const name of await tablesOf(from)) copied.push(await copyTable(name, from, to))
        await to.script('commit')
        return copied
      } catch (error) {
        await to.script('rollback').catch(() => {})
        throw error
      } finally {
        await from.script('rollback').catch(() => {})
      }
    }),
  )
}

async function copyTable(name: string, from: Connection, to: Connection): Promise<CopiedTable> {
  const columns = await columnsOf(from, name)
  // What the migrations have written there themselves.
  await to.script(`delete from ${quoted(name)}`)
  for await (const rows of rowsOf(from, name, columns)) await insertRows(to, name, columns, rows)
  await setSequences(to, name, columns)
  const [here, there] = [await sumOf(from, name, columns), await sumOf(to, name, columns)]
  if (here.rows !== there.rows || here.hash !== there.hash) {
    throw new StartError(
      `${name} differs after the copy (${here.rows} rows here, ${there.rows} there): nothing was moved`,
    )
  }
  return { name, rows: here.rows }
}
