/** Prometheus: reads the server's metrics, with the rules that the project ships. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../paths.ts'
import { inPath } from '../programs.ts'
import { LOOPBACK, portOf, type Service, type Stack } from '../service.ts'
import { identityOf, ownFile, ownFolder, requireWalkable } from '../users.ts'

const rootOf = ({ folder }: Stack) => join(folder, 'prometheus')

/** How long what was measured is kept. */
const KEPT = '15d'

/** The rules and alerts that the project ships. */
const RULES = join(projectRoot, 'ops', 'prometheus', 'rules')

export interface Scraped {
  target: string
  rules: readonly string[]
  /** The token that Prometheus shows, or the file that it is in. */
  authorization: { credentials: string } | { credentials_file: string }
}

/** JSON is YAML. */
export const configOf = ({ target, rules, authorization }: Scraped): string =>
  JSON.stringify(
    {
      global: { scrape_interval: '15s' },
      rule_files: rules,
      scrape_configs: [
        {
          job_name: 'selvedge',
          authorization,
          static_configs: [{ targets: [target] }],
        },
      ],
    },
    null,
    2,
  )

export const prometheus: Service = {
  name: 'prometheus',
  requires: [{ name: 'prometheus', find: () => inPath('prometheus'), debian: 'prometheus' }],
  ports: ['prometheus'],
  user: 'prometheus',
  async prepare(stack) {
    const as = identityOf(this)
    requireWalkable(stack, as)
    ownFolder(rootOf(stack), as)
    ownFolder(join(rootOf(stack), 'data'), as)
    // Copied, since its user need not be able to walk to the checkout.
    const rules = readdirSync(RULES).map((name) =>
      ownFile(join(rootOf(stack), name), readFileSync(join(RULES, name), 'utf8'), as),
    )
    const target = `${LOOPBACK}:${portOf(stack, 'selvedge')}`
    const config = configOf({ target, rules, authorization: { credentials: stack.state.secrets.metrics } })
    ownFile(join(rootOf(stack), 'prometheus.yml'), config, as)
  },
  command: (stack, programs) => ({
    program: programs.prometheus!,
    args: [
      `--config.file=${join(rootOf(stack), 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(rootOf(stack), 'data')}`,
      `--storage.tsdb.retention.time=${KEPT}`,
      `--web.listen-address=${LOOPBACK}:${portOf(stack, 'prometheus')}`,
    ],
    cwd: '/',
  }),
  async check(stack) {
    const answer = await fetch(`${this.address(stack)}/-/ready`)
    if (!answer.ok) throw new Error(`it answers ${answer.status}`)
    await answer.body?.cancel()
  },
  address: (stack) => `http://${LOOPBACK}:${portOf(stack, 'prometheus')}`,
}
