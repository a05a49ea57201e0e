/** The Content-Security-Policy of a page: its own inline style and script by their hashes, and nothing from elsewhere. */
import { createHash } from 'node:crypto'

/** The policy of a page with exactly these texts. `connect`: whether its script may ask this server. */
export function pagePolicy({ style, script, connect = false }: PageTexts): string {
  return [
    "default-src 'none'",
    `style-src ${hashSource(style)}`,
    `script-src ${hashSource(script)}`,
    ...(connect ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

interface PageTexts {
  style: string
  script: string
  connect?: boolean
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
