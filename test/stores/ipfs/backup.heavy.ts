/** Backups beside media in IPFS. */
import { describeBackup } from '../../support/media/backed-up.ts'
import { kuboOptions } from '../../support/media/stores.ts'

describeBackup(
  'ipfs',
  async () => kuboOptions(),
  (options) => `the Kubo at ${options['ipfs-api']}`,
)
