/** The script of the status pages: asks for what changes, draws the charts, and times the services. */
import { drawCharts } from './charts.ts'
import { startStopwatch } from './stopwatch.ts'

/** While the server does not answer, it is asked more rarely. */
const AWAY_S = 15

function everySeconds(): number {
  return Number(document.querySelector('main')?.dataset.every ?? AWAY_S)
}

/** Puts the fresh `main` into the place of the one before. The stopwatch stays: it may be running. */
async function renew(): Promise<number> {
  const answer = await fetch(`${location.pathname}?fresh`, { headers: { accept: 'text/html' } })
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`)
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main')
  const shown = document.querySelector('main')
  if (fresh === null || shown === null) return AWAY_S
  const [running, replaced] = [shown, fresh].map((main) => main.querySelector('#stopwatch'))
  if (running && replaced) replaced.replaceWith(running)
  shown.replaceWith(fresh)
  drawCharts()
  return everySeconds()
}

function goOn(inSeconds: number): void {
  setTimeout(async () => {
    if (document.hidden) return goOn(inSeconds)
    const next = await renew().catch(() => AWAY_S)
    goOn(next)
  }, inSeconds * 1_000)
}

drawCharts()
startStopwatch()
goOn(everySeconds())
