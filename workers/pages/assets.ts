/** The style and the script of pages for people: inline, since nothing is loaded from anywhere. */

export const STYLE = `
:root { color-scheme: light dark; --paper: #faf8f4; --ink: #24211c; --soft: #6a6358; --line: #e0d9cd; --card: #fff; --accent: #0a6b57; --good: #2c8a4b }
@media (prefers-color-scheme: dark) {
  :root { --paper: #17181a; --ink: #e8e5df; --soft: #a39d92; --line: #34363a; --card: #1f2124; --accent: #6fd0b5; --good: #5cc47f }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif }
main { max-width: 40rem; margin: 0 auto; padding: 3rem 1.25rem 2rem }
h1 { margin: .25rem 0 .5rem; font-size: clamp(1.6rem, 6vw, 2.4rem); line-height: 1.15; overflow-wrap: anywhere }
h2 { margin: 0 0 .5rem; font-size: 1.05rem }
section { margin: 1.5rem 0; padding: 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem }
section > :last-child { margin-bottom: 0 }
a { color: var(--accent) }
code { font: .92em ui-monospace, monospace; overflow-wrap: anywhere }
dl { margin: 0 0 1rem }
dt { font-weight: 600 }
dd { margin: 0 0 .75rem; color: var(--soft) }
.state { display: flex; align-items: center; gap: .5rem; margin: 0; color: var(--soft) }
.state span { width: .65rem; height: .65rem; border-radius: 50%; background: var(--good) }
.copy { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; margin: 0 0 .75rem }
.copy code { flex: 1 1 14rem; padding: .6rem .75rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--paper); font-size: 1rem; user-select: all }
label { display: block; margin: 0 0 .75rem; color: var(--soft) }
input { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: .5rem; padding: .55rem .75rem }
button { padding: .6rem 1rem; border: 0; border-radius: .5rem; background: var(--accent); color: var(--card); font: inherit; font-weight: 600; cursor: pointer }
button:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
footer { color: var(--soft); font-size: .9rem }
`

/** Where the browser lets no page write the clipboard, a click on the address still selects all of it. */
export const COPY_SCRIPT = `
const button = document.getElementById('copy')
if (navigator.clipboard) {
  button.hidden = false
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(document.getElementById('url').textContent)
    button.textContent = 'Copied'
    setTimeout(() => { button.textContent = 'Copy' }, 2000)
  })
}
`

/** What the demo has besides. */
export const DEMO_STYLE = `
#dot { background: var(--line) }
#dot.on { background: var(--good) }
#enter input { display: block; width: 100%; margin-top: .25rem }
#room[hidden], #enter[hidden] { display: none }
.head { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .5rem }
.head p { margin: 0; display: flex; gap: .75rem; align-items: baseline }
.head label { margin: 0 }
#people { display: flex; flex-wrap: wrap; gap: .5rem; margin: .75rem 0; padding: 0; list-style: none }
#people li { padding: .3rem .7rem; border: 1px solid var(--line); border-radius: 1rem }
#people li::before { content: ''; display: inline-block; width: .6rem; height: .6rem; margin-right: .4rem; border-radius: 50%; background: var(--line) }
#people .online::before { background: var(--good) }
#people .unavailable::before { background: #c98a1b }
#people small { margin-left: .4rem; color: var(--soft) }
#messages { height: 18rem; overflow-y: auto; margin: 0; padding: .75rem; list-style: none; background: var(--paper); border: 1px solid var(--line); border-radius: .5rem }
#messages li { width: fit-content; max-width: 80%; margin: 0 0 .6rem; padding: .4rem .75rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem }
#messages .mine { margin-left: auto; border-color: var(--accent) }
#messages p { margin: 0; overflow-wrap: anywhere }
#messages b { font-size: .85rem; color: var(--accent) }
#messages time, .reader { font-size: .75rem; color: var(--soft) }
.reader { margin-left: .6rem }
#typing { min-height: 1.5rem; margin: .25rem 0; color: var(--soft); font-size: .9rem }
#say { display: flex; gap: .5rem }
#say input { flex: 1; min-width: 0 }
`
