/** The migrations of objects that deployments have applied: Cloudflare knows them by their tags, and none may change. */

/** A new migration is one more row here and in `wrangler.toml`. What stands in both already stays as it is. */
export const OBJECT_MIGRATIONS = [
  { tag: 'v1', new_sqlite_classes: ['Room', 'User'] },
  { tag: 'v2', new_sqlite_classes: ['Partition'] },
  { tag: 'v3', new_sqlite_classes: ['Destination'] },
]

/** What is wrong with the migrations of a configuration, in sentences. */
export function migrationMistakes(given: readonly object[]): string[] {
  const known = OBJECT_MIGRATIONS.map((row) => JSON.stringify(row))
  const rows = given.map((row) => JSON.stringify(row))
  const changed = OBJECT_MIGRATIONS.filter((_, index) => known[index] !== rows[index]).map(
    ({ tag }) => `[[migrations]] ${tag} is not as it was applied: its objects would be lost; put it back`,
  )
  const unknown = given
    .slice(OBJECT_MIGRATIONS.length)
    .map((row) => `[[migrations]] ${JSON.stringify(row)} is not in local/deploy/object-migrations.ts`)
  return [...changed, ...unknown]
}
