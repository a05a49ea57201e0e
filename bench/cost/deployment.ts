/** What the deployment to Cloudflare says of its bill: read from `wrangler.toml`. */
import { join } from 'node:path'
import { unstable_readConfig } from 'wrangler'
import { projectRoot } from '../../local/paths.ts'

export interface Deployment {
  /** The share of successful requests whose line is written. */
  logSample: number
  /** The share of invocations whose events are kept. */
  keptEvents: number
  /** Whether each invocation is an event of its own. */
  invocationLogs: boolean
}

/** How a log is kept if nothing is said of it. */
export const LOGS_EVERYTHING: Deployment = { logSample: 1, keptEvents: 1, invocationLogs: true }

export function readDeployment(): Deployment {
  const { vars, observability } = unstable_readConfig({ config: join(projectRoot, 'wrangler.toml') })
  const logs = observability?.logs
  return {
    logSample: Number(vars.LOG_SAMPLE ?? 1),
    keptEvents: logs?.head_sampling_rate ?? observability?.head_sampling_rate ?? 1,
    invocationLogs: logs?.invocation_logs ?? true,
  }
}
