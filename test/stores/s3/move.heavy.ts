/** Media move from R2 to an S3 while the server runs, and back. */
import { describeMove } from '../../support/media/moving.ts'
import { freshS3 } from '../../support/media/stores.ts'

describeMove('r2', 's3', freshS3)
describeMove('s3', 'r2', freshS3)
