/** `npm run bench:federation`: the same work of a server of the bench's own for Selvedge and for Synapse, in turns. */
import { parseArgs } from 'node:util'
import { makeCertificate } from '../../test/support/deployment/certificates.ts'
import { stopAll, stopOnSignals, temporaryFolder } from '../child.ts'
import { busyNote, describeMachine, measureBusy } from '../report.ts'
import { fork } from './fork.ts'
import { catchUpIn, catchUpOut } from './outages.ts'
import { Resident } from './resident.ts'
import { largeRoom } from './rooms.ts'
import { inbound, joins } from './rows.ts'
import { type Measured, startMeasuredSelvedge, startMeasuredSynapse } from './servers.ts'
import type { Figure, Meeting } from './work.ts'

const MISSED = 1_000
const INBOUND = 2_000

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      rounds: { type: 'string', default: '3' },
      members: { type: 'string', default: '1000,5000' },
      'no-synapse': { type: 'boolean', default: false },
    },
  })
  stopOnSignals()
  console.log(`${describeMachine()}\n${busyNote(await measureBusy())}`)
  const certificate = makeCertificate(temporaryFolder('certificate'), 30)
  const resident = new Resident(certificate)
  await resident.start()
  const servers = [await startMeasuredSelvedge(certificate)]
  if (!values['no-synapse']) servers.push(await startMeasuredSynapse(certificate))
  const sizes = values.members.split(',').map(Number)
  try {
    for (const row of rowsFor(resident, sizes)) {
      if (values.only === '' || row.name.startsWith(values.only))
        await measure(row, servers, resident, Number(values.rounds))
    }
  } finally {
    for (const server of servers) await server.stop()
    await resident.close()
  }
}

interface Row {
  name: string
  run(meeting: Meeting): Promise<Figure>
}

function rowsFor(resident: Resident, sizes: readonly number[]): Row[] {
  const joinRows = sizes.map((members): Row => {
    const name = `join of a room of ${members} members, until all of them are listed`
    return {
      name,
      run: async (meeting) => (await joins(meeting, largeRoom(resident, members), members)).whole,
    }
  })
  return [
    ...joinRows,
    {
      name: `inbound: ${INBOUND} messages in transactions of 50`,
      run: (meeting) => inbound(meeting, INBOUND),
    },
    {
      name: `fork of 100 state events in a room of ${sizes.at(-1)} members`,
      run: (meeting) => fork(meeting, sizes.at(-1)!),
    },
    {
      name: `missed: ${MISSED} messages of the other server are read`,
      run: (meeting) => catchUpIn(meeting, MISSED),
    },
    {
      name: `catch-up: ${MISSED} messages reach a server that was away`,
      run: (meeting) => catchUpOut(meeting, MISSED),
    },
  ]
}

/** Each server is first as often as the others. */
async function measure(
  row: Row,
  servers: readonly Measured[],
  resident: Resident,
  rounds: number,
): Promise<void> {
  const figures = new Map(servers.map(({ title }) => [title, [] as Figure[]]))
  for (let round = 0; round < rounds; round += 1) {
    for (const server of round % 2 === 0 ? servers : [...servers].reverse()) {
      figures.get(server.title)!.push(await row.run({ server, resident }))
    }
  }
  const cells = [...figures.values()].map(
    (of) => `${told(of.map(({ ms }) => ms))} | ${told(of.map(({ processorMs }) => processorMs))}`,
  )
  console.log(`| ${row.name} | ${cells.join(' | ')} |`)
}

/** Least, middle and greatest. */
function told(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b)
  return [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)]
    .map((value) => Math.round(value ?? 0))
    .join(' / ')
}

await main().catch(async (error: unknown) => {
  console.error(error)
  await stopAll()
  process.exitCode = 1
})
