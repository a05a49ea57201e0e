/** Media move from R2 to IPFS while the server runs. */
import { describeMove } from '../../support/media/moving.ts'
import { kuboOptions } from '../../support/media/stores.ts'

describeMove('ipfs', async () => kuboOptions())
