/** The button that times the services, on the page of Redis. */

interface Timed {
  operations: number
  ms: number
  per_second: number
  half_ms: number
  most_ms: number
}

export function startStopwatch(): void {
  const place = document.getElementById('stopwatch')
  const button = place?.querySelector('button')
  const output = place?.querySelector('output')
  if (!button || !output) return
  button.hidden = false
  button.addEventListener('click', async () => {
    button.disabled = true
    output.textContent = 'Timing …'
    output.textContent = await timed().catch((error: unknown) => `It did not work: ${String(error)}`)
    button.disabled = false
  })
}

async function timed(): Promise<string> {
  const answer = await fetch('/_selvedge/status/services', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  const body = (await answer.json()) as { redis: Timed; presence: Timed; error?: string }
  if (!answer.ok) throw new Error(body.error ?? `HTTP ${answer.status}`)
  const say = (what: string, { operations, ms, per_second, half_ms, most_ms }: Timed) =>
    `${operations} ${what} in ${ms} ms: ${per_second} a second; one by one half of them took no more than ${half_ms} ms, 99 of 100 no more than ${most_ms} ms.`
  return `${say('operations of Redis', body.redis)} ${say('updates of presence', body.presence)}`
}
