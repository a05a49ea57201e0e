/** A server of the measurement of the event stream, in a process of its own, with the hooks of tests where it needs them. */
import { startInstance } from '../../local/instance.ts'
import { readOptions } from '../../local/options/options.ts'

const [hooks, ...args] = process.argv.slice(2)
const options = readOptions(args, {})
if (options === 'help') throw new Error('a server has no help')
const instance = await startInstance({
  ...options,
  ...(hooks === 'hooks' && { bindings: { TEST_HOOKS: 'on' } }),
})
console.log(`ready: ${instance.url}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void instance.stop().then(() => process.exit(0)))
