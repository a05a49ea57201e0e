/** How a page's policy names its own inline style and script. */
import { createHash } from 'node:crypto'

/** The source of a Content-Security-Policy for exactly this text. */
export function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
