/** What every page for people begins and ends with: its style and script stand in it, and it is in no search engine. */
import { html, raw } from 'hono/html'

export type Html = ReturnType<typeof html>

export interface PageParts {
  title: string
  style: string
  /** A module, in whose page it may use `await` and leaves no names behind. */
  script: string
  main: Html
}

/** A whole page. Its policy is by the same style and script. */
export function pageOf({ title, style, script, main }: PageParts): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${raw(style)}</style>
</head>
<body>
${main}
<script type="module">${raw(script)}</script>
</body>
</html>
`
}
