/** Media move from R2 to IPFS while the server runs, and back. */
import { describeMove } from '../../support/media/moving.ts'
import { kuboOptions } from '../../support/media/stores.ts'

describeMove('r2', 'ipfs', async () => kuboOptions())
describeMove('ipfs', 'r2', async () => kuboOptions())
