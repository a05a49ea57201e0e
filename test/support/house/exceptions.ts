/** What breaks a rule of the house as yet, by name and with the reason. A test fails when an exception is no longer needed. */

/** Files of tests that sleep, or ask how long something took. All others wait for what they mean. */
export const TIMED_FILES: Record<string, string> = {
  'test/durable-objects/sync-interleavings.test.ts': 'pauses of random length are steps of an interleaving',
  'test/earlier-version/make.ts': 'the server of an earlier commit has nothing to wait by',
  'test/fuzz/endpoints.fuzz.ts': 'an answer that takes seconds is what it looks for',
  'test/fuzz/watched.ts': 'an answer that takes seconds is what it looks for',
  'test/mutants/run.ts': 'ends the tests of a mistake that hangs',
  'test/support/eventually.ts': 'pauses between two looks, for all that wait',
  'test/workers/middleware/bodies/slow-bodies.test.ts': 'a client that is slow is its subject',
}

/** Files with SQL over tables of an object that are made elsewhere. */
export const SQL_OVER_ALL_TABLES: Record<string, string> = {
  'durable-objects/fresh-tables.ts': 'joins the migrations of an object, whatever their tables',
  'durable-objects/wipe.ts':
    'empties every table that there is, and covers the texts of the one that it is given',
  'durable-objects/user/rebuild.ts': 'fills in what the archive has, of the columns that a table has by now',
}
