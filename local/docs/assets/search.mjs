/** The search of the manual: loads the index when somebody begins to type, and shows what was found. */
import MiniSearch from 'minisearch'
import { SEARCH_OPTIONS } from '../search-options.ts'

const MOST_SHOWN = 12

const root = document.currentScript?.dataset.root ?? ''
const field = document.getElementById('search')
const list = document.getElementById('found')
let index

/** A page that was opened from a folder may not fetch, but load scripts. */
function loadIndex() {
  index ??= new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.src = `${root}assets/index.js`
    script.onload = () => resolve(MiniSearch.loadJSON(window.selvedgeIndex, SEARCH_OPTIONS))
    script.onerror = reject
    document.head.append(script)
  })
  return index
}

async function show() {
  const words = field.value.trim()
  const found = words === '' ? [] : (await loadIndex()).search(words).slice(0, MOST_SHOWN)
  // Somebody may have typed on meanwhile.
  if (words !== field.value.trim()) return
  list.replaceChildren(...found.map(item))
  if (words !== '' && found.length === 0) list.append(nothing())
  list.hidden = words === ''
}

function item({ place, page, heading, shown }) {
  const line = document.createElement('li')
  const link = document.createElement('a')
  link.href = root + place
  const title = document.createElement('strong')
  title.textContent = heading === '' || heading === page ? page : `${page} › ${heading}`
  const text = document.createElement('span')
  text.textContent = shown
  link.append(title, text)
  line.append(link)
  return line
}

function nothing() {
  const line = document.createElement('li')
  line.textContent = 'Nothing was found'
  return line
}

field.addEventListener('input', show)
field.addEventListener('focus', loadIndex, { once: true })
document.addEventListener('keydown', (event) => {
  const typing = event.target instanceof HTMLInputElement
  if (event.key === '/' && !typing) {
    event.preventDefault()
    field.focus()
  }
  if (event.key === 'Escape') list.hidden = true
  if (event.key === 'ArrowDown' && document.activeElement === field) list.querySelector('a')?.focus()
})
