/** Backups beside media in an S3. */
import { describeBackup } from '../../support/media/backed-up.ts'
import { freshS3 } from '../../support/media/stores.ts'

describeBackup(
  's3',
  freshS3,
  (options) => `the S3 at ${options['s3-endpoint']}, bucket ${options['s3-bucket']}`,
)
