/** The tables of key backups: see key-backup.ts. */

export const KEY_BACKUP_TABLES = `
  -- A deleted version stays as a row, so that its number is never given again.
  CREATE TABLE backup_versions (
    version INTEGER PRIMARY KEY,
    algorithm TEXT NOT NULL,
    auth_data TEXT NOT NULL,
    etag INTEGER NOT NULL DEFAULT 0,
    key_count INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0
  );

  CREATE TABLE backup_keys (
    version INTEGER NOT NULL,
    room_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (version, room_id, session_id)
  ) WITHOUT ROWID;
`

/** What the keys of a version hold, kept with their number. */
export const KEY_BACKUP_BYTES = `
  ALTER TABLE backup_versions ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
`
