/** What one user may keep: set by the operator, refused by one sentence. */
import type { Quotas } from './ports/config.ts'
import { MatrixError } from './protocol/errors.ts'

/** What each quota is called in sentences for people. */
const NAMES: Record<keyof Quotas, string> = {
  accountDataBytes: 'bytes of account data',
  keyBackupBytes: 'bytes in key backups',
  filters: 'filters',
  devices: 'devices',
  aliases: 'room aliases',
  rooms: 'rooms of their own making',
}

/**
 * Passes what still fits; 0 means no bound.
 * @param held how much there would be afterwards
 * @throws MatrixError M_TOO_LARGE for bytes, M_RESOURCE_LIMIT_EXCEEDED for numbers of things
 */
export function requireQuota(quotas: Quotas, quota: keyof Quotas, held: number): void {
  const most = quotas[quota]
  if (most === 0 || held <= most) return
  const errcode = quota.endsWith('Bytes') ? 'M_TOO_LARGE' : 'M_RESOURCE_LIMIT_EXCEEDED'
  throw new MatrixError(
    errcode,
    `A user may have ${most} ${NAMES[quota]} on this server, and this would be more`,
  )
}
