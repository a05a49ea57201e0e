/** The manual as a folder of static pages: the texts of docs/, the API from its schemas, all settings, and a search. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import MiniSearch from 'minisearch'
import { VERSION } from '../../src/version.ts'
import { type EndpointRow, rowOf } from '../../workers/middleware/endpoint-row.ts'
import { projectRoot } from '../paths.ts'
import { StartError } from '../start-error.ts'
import { apiMarkdown, type Route, unlisted, wordless } from './api.ts'
import { API_PAGES } from './api-words.ts'
import { frontPage } from './front.ts'
import { type Copies, resolver } from './links.ts'
import { manual, pageFor, type Source } from './manual.ts'
import { type Rendered, render } from './markdown.ts'
import { SEARCH_OPTIONS } from './search-options.ts'
import { settingsMarkdown } from './settings.ts'
import { type MenuSection, type Page, pageHtml } from './shell.ts'

const SETTINGS = { file: 'settings.html', title: 'Settings' }

interface Made extends Page {
  passages: Rendered['passages']
}

/** Writes the site into a folder, which is emptied first. Answers the files of its pages, and the endpoints that nothing is said of. @throws StartError */
export async function makeSite(folder: string): Promise<{ pages: string[]; wordless: string[] }> {
  const routes = await routesOfApp()
  const forgotten = unlisted(routes)
  if (forgotten.length > 0)
    throw new StartError(`no API page has ${forgotten.join(', ')}: local/docs/api-words.ts`)
  const copies: Copies = new Map()
  const sections = manual()
  const sources = sections.flatMap(({ pages }) => pages)
  const menu = menuOf(sections)
  const pages: Made[] = [
    { file: 'index.html', ...made(frontPage(menu), 'README.md', sources, copies) },
    ...sources.map((source) => written(source, sources, copies)),
    { file: SETTINGS.file, ...made(settingsMarkdown(), 'docs/settings.md', sources, copies) },
    ...API_PAGES.map((page) => ({
      file: page.file,
      ...made(apiMarkdown(page, routes), 'docs/api/page.md', sources, copies),
    })),
  ]
  rmSync(folder, { recursive: true, force: true })
  for (const page of pages) put(folder, page.file, pageHtml(page, menu, VERSION))
  for (const [path, place] of copies) {
    mkdirSync(dirname(join(folder, place)), { recursive: true })
    copyFileSync(join(projectRoot, path), join(folder, place))
  }
  await putAssets(folder, pages)
  return { pages: pages.map(({ file }) => file), wordless: wordless(routes) }
}

function menuOf(sections: ReturnType<typeof manual>): MenuSection[] {
  const [run, use, ...others] = sections.map(({ title, pages }) => ({
    title,
    pages: pages.map(({ path, title: name }) => ({ file: pageFor(path), title: name })),
  }))
  return [
    { title: run!.title, pages: [...run!.pages.slice(0, 1), SETTINGS, ...run!.pages.slice(1)] },
    { title: use!.title, pages: [...use!.pages, ...API_PAGES.map(({ file, title }) => ({ file, title }))] },
    ...others,
  ]
}

function written(source: Source, sources: Source[], copies: Copies): Made {
  const text = readFileSync(join(projectRoot, source.path), 'utf8')
  return { file: pageFor(source.path), ...made(text, source.path, sources, copies) }
}

/** @param path where the text is, or would be, below the project: its links begin there */
function made(markdown: string, path: string, sources: Source[], copies: Copies): Omit<Made, 'file'> {
  const pages = new Set(sources.map((source) => source.path))
  return render(markdown, resolver(path, pages, copies))
}

/** By a path that the compiler does not follow: the Workers' types are not Node's. */
async function routesOfApp(): Promise<Route[]> {
  const { app } = (await import(join(projectRoot, 'workers', 'app.ts'))) as {
    app: { routes: { method: string; path: string; handler: object }[] }
  }
  const routes = new Map<string, Route>()
  for (const { method, path, handler } of app.routes) {
    const row: EndpointRow | undefined = rowOf(handler)
    const name = `${method} ${path}`
    if (row !== undefined && !routes.has(name)) routes.set(name, { method, path, row })
  }
  return [...routes.values()]
}

/** The search: an index made now, which the page's script reads when somebody begins to type. */
async function putAssets(folder: string, pages: Made[]): Promise<void> {
  const assets = join(projectRoot, 'local/docs/assets')
  mkdirSync(join(folder, 'assets'), { recursive: true })
  copyFileSync(join(assets, 'site.css'), join(folder, 'assets/site.css'))
  const index = new MiniSearch(SEARCH_OPTIONS)
  let id = 0
  for (const { file, title, passages } of pages) {
    for (const passage of passages) {
      const place = passage.id === '' ? file : `${file}#${passage.id}`
      id += 1
      index.add({
        id,
        place,
        page: title,
        heading: passage.heading,
        text: passage.text,
        shown: passage.text.slice(0, 160),
      })
    }
  }
  put(folder, 'assets/index.js', `window.selvedgeIndex=${JSON.stringify(JSON.stringify(index))}\n`)
  await build({
    entryPoints: [join(assets, 'search.mjs')],
    outfile: join(folder, 'assets/search.js'),
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    logLevel: 'error',
  })
}

function put(folder: string, file: string, text: string): void {
  const path = join(folder, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
