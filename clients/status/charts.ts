/** The charts: the points that came with the page, drawn into its figures. */
import uPlot from 'uplot'

interface Point {
  at: number
  values: Record<string, number | null>
}

const HEIGHT = 190
const COLOURS = ['--accent', '--second', '--bad']

type Write = (n: number) => string

const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

const short: Write = (n) => (n === 0 ? '0' : n >= 100 ? n.toFixed(0) : String(Number(n.toPrecision(2))))

const bytes: Write = (n) => {
  const power = n < 1 ? 0 : Math.min(BYTES.length - 1, Math.floor(Math.log2(n) / 10))
  return `${short(n / 1024 ** power)} ${BYTES[power]}`
}

/** By the unit that the figure names. */
const WRITERS: Record<string, Write> = {
  'per second': short,
  seconds: (n) => (n < 1 ? `${short(n * 1_000)} ms` : `${short(n)} s`),
  bytes,
  'bytes per second': (n) => `${bytes(n)}/s`,
  share: (n) => `${short(n * 100)} %`,
  number: short,
}

/** Draws every chart of the page anew. */
export function drawCharts(): void {
  const points = JSON.parse(document.getElementById('points')?.textContent ?? '[]') as Point[]
  for (const place of document.querySelectorAll<HTMLElement>('.plot')) draw(place, points)
}

function draw(place: HTMLElement, points: readonly Point[]): void {
  const lines = JSON.parse(place.dataset.lines ?? '{}') as Record<string, string>
  const write = WRITERS[place.dataset.unit ?? ''] ?? short
  const names = Object.keys(lines)
  const data = [
    points.map(({ at }) => at),
    ...names.map((name) => points.map(({ values }) => values[name] ?? null)),
  ]
  const [ink, grid] = ['--soft', '--line'].map(colourOf)
  const axis = {
    stroke: ink,
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
    font: '11px system-ui',
  }
  place.replaceChildren()
  new uPlot(
    {
      width: Math.max(200, place.clientWidth),
      height: HEIGHT - 30,
      cursor: { y: false },
      // From 0: how much something moves is seen beside how much of it there is.
      scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
      axes: [
        { ...axis, values: (_, splits) => splits.map((at) => timeOf(at, splits)) },
        { ...axis, size: 62, values: (_, splits) => splits.map(write) },
      ],
      series: [
        {},
        ...names.map((name, index) => ({
          label: lines[name]!,
          stroke: colourOf(COLOURS[index] ?? COLOURS[0]!),
          width: 1.5,
          points: { show: points.length < 3 },
          value: (_: uPlot, n: number | null) => (n === null ? '–' : write(n)),
        })),
      ],
    },
    data as uPlot.AlignedData,
    place,
  )
}

/** As a clock of 24 hours; with seconds where two marks lie within a minute. */
function timeOf(at: number, [first = 0, second = first]: readonly number[]): string {
  const [hours, minutes, seconds] = new Date(at * 1_000).toTimeString().slice(0, 8).split(':')
  return second - first < 60 ? `${hours}:${minutes}:${seconds}` : `${hours}:${minutes}`
}

function colourOf(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim()
}
