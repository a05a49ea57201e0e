/** The page of all settings: the options of `npm start`, and the variables of the Worker. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { settingNames } from '../../src/config.ts'
import type { OptionRow } from '../options/option-table.ts'
import { optionTable } from '../options/options.ts'
import { projectRoot } from '../paths.ts'

/** Where an option has another name than its variable of the Worker. */
const OTHER_NAMES: Record<string, string> = { 'turn-uri': 'TURN_URIS' }

/** What the Worker has that no option is: each is in docs/deployment.md or made by the start itself. */
const KEYS: Record<string, string> = {
  SIGNING_KEYS: 'The keys that sign rooms, a JSON list, newest first: a secret.',
  TOKEN_KEYS: 'The keys that sign access tokens, a JSON list, newest first: a secret.',
  ANALYTICS_API: 'Where Analytics Engine is asked, which is Cloudflare’s own address unless told.',
  TEST_HOOKS: 'For the project’s own tests. Leave it off.',
}

/** The Markdown of the page. */
export function settingsMarkdown(): string {
  return [
    '# Settings',
    'Each option of `npm start` is also an environment variable; flags win. On Cloudflare each is a variable or secret of the Worker: those that name addresses, folders and certificates have none there, since the platform does that itself. A wrong setting is refused at the start, by its name.',
    '## Options',
    ...optionSections(),
    '## Variables of the Worker without an option',
    table(
      ['Variable', 'What it is'],
      workerOnly().map((name) => [`\`${name}\``, wordsFor(name)]),
    ),
  ].join('\n\n')
}

/** Names of settings that the page says nothing of. */
export function unsaid(): string[] {
  return workerOnly().filter((name) => wordsFor(name) === '')
}

/** A section each, so that a link and a search lead to one. */
function optionSections(): string[] {
  const rows = Object.entries(optionTable) as [string, OptionRow][]
  return rows.map(([name, row]) => {
    const variable = variableOf(name, row)
    const environment = row.variable ?? `SELVEDGE_${name.toUpperCase().replaceAll('-', '_')}`
    const facts = [
      ['Value', row.value],
      ['Default', row.default],
      ['Environment', environment],
      ['Worker', variable],
    ].filter((fact): fact is [string, string] => fact[1] !== undefined)
    const line = facts.map(([what, text]) => `${what} \`${text}\``).join(' · ')
    return `### \`--${name}\`\n\n${row.help}\n\n${line}`
  })
}

function variableOf(option: string, row: OptionRow): string | undefined {
  const name = OTHER_NAMES[option] ?? row.variable ?? option.toUpperCase().replaceAll('-', '_')
  return settingNames.includes(name) ? name : undefined
}

function workerOnly(): string[] {
  const rows = Object.entries(optionTable) as [string, OptionRow][]
  const ofOptions = new Set(rows.map(([name, row]) => variableOf(name, row)))
  return settingNames.filter((name) => !ofOptions.has(name))
}

function wordsFor(name: string): string {
  return KEYS[name] ?? deploymentWords().get(name) ?? ''
}

/** What docs/deployment.md says of each variable. */
function deploymentWords(): Map<string, string> {
  const page = readFileSync(join(projectRoot, 'docs/deployment.md'), 'utf8')
  const words = new Map<string, string>()
  for (const [, names = '', text = ''] of page.matchAll(
    /^\| ((?:`[A-Z0-9_]+`(?:, )?)+) \|[^|]*\| (.*) \|$/gm,
  )) {
    for (const [, name = ''] of names.matchAll(/`([A-Z0-9_]+)`/g)) words.set(name, text)
  }
  return words
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) =>
    `| ${cells.map((cell) => cell.replace(/(?<!\\)\|/g, '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
