/** Media move from R2 to an S3 while the server runs. */
import { describeMove } from '../../support/media/moving.ts'
import { freshS3 } from '../../support/media/stores.ts'

describeMove('s3', freshS3)
