/** The script and the looks of the page of the event stream. */

/** It asks for the status with the token that was typed in, and shows it again every two seconds. */
export const EVENT_STREAM_SCRIPT = `
const form = document.getElementById('enter')
const state = document.getElementById('state')
const found = document.getElementById('found')
let timer
form.addEventListener('submit', (event) => {
  event.preventDefault()
  clearTimeout(timer)
  show(new FormData(form).get('token'))
})
async function show(token) {
  const answer = await fetch('../stream', { headers: { authorization: 'Bearer ' + token } }).catch(() => undefined)
  const body = await answer?.json().catch(() => undefined)
  if (!answer?.ok) {
    state.textContent = body?.error ?? 'The server does not answer'
    if (answer?.status === 401) return
  } else {
    state.textContent = 'as of ' + new Date().toLocaleTimeString()
    found.replaceChildren(...body.groups.map(groupOf), ...body.topics.map(topicOf))
  }
  timer = setTimeout(() => show(token), 2000)
}
function groupOf(group) {
  const names = new Map(group.members.map((one) => [one.member_id, one.client ?? one.member_id]))
  const rows = group.members.map((one) => [names.get(one.member_id), one.partitions.length, new Date(one.expires_ts).toLocaleTimeString()])
  const offsets = group.offsets.map((one) => [one.topic + '/' + one.partition, one.offset.toLocaleString(), one.lag.toLocaleString(), names.get(one.member_id) ?? ''])
  return section('Group ' + group.group + ': ' + group.health + ', lag ' + group.lag.toLocaleString(),
    table(['member', 'partitions', 'lease until'], rows), table(['partition', 'committed', 'lag', 'member'], offsets))
}
function topicOf(topic) {
  const rows = topic.partitions.filter((one) => one.end_offset > 0)
    .map((one) => [one.partition, one.first_offset.toLocaleString(), one.end_offset.toLocaleString(), one.bytes.toLocaleString(), one.newest_ts ? new Date(one.newest_ts).toLocaleString() : ''])
  return section('Topic ' + topic.topic + ': ' + topic.bytes.toLocaleString() + ' bytes', table(['partition', 'first', 'end', 'bytes', 'newest'], rows))
}
function section(title, ...parts) {
  const head = document.createElement('h2')
  head.textContent = title
  const made = document.createElement('section')
  made.append(head, ...parts)
  return made
}
function table(names, rows) {
  const made = document.createElement('table')
  const head = made.createTHead().insertRow()
  for (const name of names) head.append(cell('th', name))
  const body = made.createTBody()
  for (const row of rows) body.insertRow().append(...row.map((text) => cell('td', text)))
  return made
}
function cell(kind, text) {
  const made = document.createElement(kind)
  made.textContent = String(text)
  return made
}
`

export const EVENT_STREAM_STYLE = `
table { border-collapse: collapse; margin: 0 0 1rem; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.2rem 0.8rem 0.2rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
label input { display: block; width: 100%; margin-top: .25rem }
`
