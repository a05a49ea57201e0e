/** `npm run test:resolution`: resolves the forks of random room histories, and compares each with Synapse's own resolution. */
import { parseArgs } from 'node:util'
import { resolved } from '../support/resolution/dag.ts'
import { type History, randomHistory } from '../support/resolution/random-history.ts'
import { startReference } from './reference.ts'

const HELP = `npm run test:resolution -- [options]

  --histories N   how many rooms (default: 10000)
  --seed N        the seed of the first; each further room has the next one (default: 1)
`

const { values } = parseArgs({
  options: {
    histories: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(HELP)
  process.exit(0)
}

const firstSeed = Number(values.seed)
const count = Number(values.histories)
if (!Number.isSafeInteger(firstSeed) || !Number.isSafeInteger(count) || count < 1) {
  process.stderr.write(HELP)
  process.exit(2)
}

/** Differences that are shown before the run ends. */
const MAX_DIFFERENCES = 5

const reference = startReference()
const totals = { rooms: 0, forks: 0, conflicts: 0, tampered: 0, differences: 0 }
const byVersion = new Map<string, number>()

for (let seed = firstSeed; seed < firstSeed + count; seed++) {
  const history = randomHistory(seed)
  await compare(history)
  if (totals.differences >= MAX_DIFFERENCES) break
  if (totals.rooms % 1_000 === 0) console.log(summary())
}
reference.stop()
console.log(summary())
console.log([...byVersion].map(([version, forks]) => `version ${version}: ${forks} conflicts`).join(', '))
process.exitCode = totals.differences === 0 ? 0 : 1

async function compare(history: History): Promise<void> {
  const { dag, forks, seed } = history
  const answers = await reference.resolve(history)
  totals.rooms++
  for (const [index, { states, isHonest }] of forks.entries()) {
    const ours = [...resolved(dag.rules, states, dag).values()].sort()
    const theirs = answers[index] ?? []
    totals.forks++
    if (!isHonest) totals.tampered++
    if (
      states.some((state) => JSON.stringify([...state].sort()) !== JSON.stringify([...states[0]!].sort()))
    ) {
      totals.conflicts++
      byVersion.set(dag.rules.version, (byVersion.get(dag.rules.version) ?? 0) + 1)
    }
    if (JSON.stringify(ours) === JSON.stringify(theirs)) continue
    totals.differences++
    console.log(
      `seed ${seed}, fork ${index}, version ${dag.rules.version}, ${isHonest ? 'honest' : 'tampered'}`,
    )
    console.log('  only ours:  ', named(history, ours, theirs))
    console.log('  only theirs:', named(history, theirs, ours))
  }
}

function named({ dag }: History, ids: string[], others: string[]): string {
  const only = ids.filter((eventId) => !others.includes(eventId))
  return only
    .map((eventId) => {
      const { type, state_key: stateKey, sender, content } = dag.events.get(eventId)!.pdu
      return `${type} ${stateKey} of ${sender} ${JSON.stringify(content)}`
    })
    .join('; ')
}

function summary(): string {
  const { rooms, forks, conflicts, tampered, differences } = totals
  return `${rooms} rooms from seed ${firstSeed}, ${forks} forks, ${conflicts} with conflicts, ${tampered} tampered: ${differences} differences`
}
