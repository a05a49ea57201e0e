/** What is wrong with the value of an option, or nothing: the checks of the table of options. */
import { notariesIn } from '../../src/federation/settings.ts'

export const oneOf =
  (...allowed: string[]) =>
  (text: string) =>
    allowed.includes(text) ? undefined : `must be ${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}`

export const integerIn = (least: number, most: number) => (text: string) =>
  /^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most
    ? undefined
    : `must be a whole number from ${least} to ${most}`

export const urlOf =
  (...protocols: string[]) =>
  (text: string) =>
    URL.canParse(text) && protocols.includes(new URL(text).protocol)
      ? undefined
      : `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`

/** Special characters in a password must be escaped, or the rest of it is taken for a path. */
export const databaseUrlOf =
  (...protocols: string[]) =>
  (text: string) => {
    const wrong = urlOf(...protocols)(text)
    const isGood =
      wrong === undefined && !/@/.test(new URL(text).pathname + new URL(text).search + new URL(text).hash)
    if (isGood && isEscaped(text)) return undefined
    const known = protocols.some((protocol) => text.startsWith(`${protocol}//`))
    return known ? `must be a URL in whose password ${ESCAPES}` : wrong
  }

const ESCAPES = '/ is written %2F, @ is %40, : is %3A, # is %23, ? is %3F and % is %25'

function isEscaped(text: string): boolean {
  try {
    const { username, password } = new URL(text)
    return decodeURIComponent(username + password) !== undefined
  } catch {
    return false
  }
}

export const serverName = (text: string) =>
  /^([A-Za-z0-9.-]{1,230}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?$/.test(text)
    ? undefined
    : 'must be a host name, with a port or without'

export const notaries = (text: string) =>
  notariesIn(text) !== undefined
    ? undefined
    : 'must be up to five server names with commas between them, or none'

export const headerName = (text: string) =>
  /^[A-Za-z0-9-]+$/.test(text) ? undefined : 'must be the name of a header'

export const turnUris = (text: string) =>
  /^turns?:[^\s,]+(,turns?:[^\s,]+)*$/.test(text)
    ? undefined
    : 'must be turn: or turns: URIs, with commas between them'

export const origins = (text: string) =>
  /^https?:\/\/[^\s,/]+(,https?:\/\/[^\s,/]+)*$/.test(text)
    ? undefined
    : 'must be origins such as https://app.example.org, with commas between them'

export function share(text: string): string | undefined {
  return /^(1|0(\.\d{1,9})?)$/.test(text) ? undefined : 'must be a number from 0 to 1'
}
