/** Uses a stack's server once, as a user does, through all that stands before it. */
import { runChecks } from '../checks/engine.ts'
import { beginVisit } from '../checks/open-visit.ts'
import { hasFailed, lineOf, sumOf } from '../checks/report/terminal.ts'
import { smokeChecks } from '../checks/smoke.ts'
import { operatorOf } from '../commands/running-server.ts'
import { readOptions } from '../options/options.ts'
import { StartError } from '../start-error.ts'
import { readCertificates, trust } from '../tls.ts'
import { certificateOf } from './certificate.ts'
import { LOOPBACK, portOf, runs, type Stack } from './service.ts'
import { dataDirOf, optionsOf } from './services/selvedge.ts'

/** @throws StartError where the server does not do what it is for */
export async function tryServer(stack: Stack, say: (line: string) => void): Promise<void> {
  const options = readOptions(optionsOf(stack), {})
  if (options === 'help') return
  const operator = operatorOf({ 'data-dir': dataDirOf(stack), 'server-name': undefined })
  const sharedSecret = options['registration-shared-secret'] ?? stack.state.secrets.registration
  const url = entranceOf(stack)
  const results = await runChecks(
    smokeChecks,
    beginVisit({ url, serverName: operator.serverName, operator, entry: { sharedSecret } }),
    {
      tell: (result) => {
        if (result.state !== 'passed') say(lineOf(result))
      },
    },
  )
  say(`used once as a user does, at ${url}: ${sumOf(results)}`)
  if (hasFailed(results))
    throw new StartError('the stack runs, but the server does not do all that it is for')
}

/** Past an nginx whose certificate is the operator's: it is not for the address at which it is reached here. */
function entranceOf(stack: Stack): string {
  const { ca } = certificateOf(stack)
  if (!runs(stack, 'nginx') || ca === undefined) return `http://${LOOPBACK}:${portOf(stack, 'selvedge')}`
  trust(readCertificates(ca))
  return `https://${LOOPBACK}:${portOf(stack, 'nginx')}`
}
