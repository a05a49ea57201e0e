/** On the application's server, where it uses Auth.js: its own session token signs the user in. */

interface Cookie {
  name: string
  value: string
}

/** `__Secure-` where the application is reached by https. */
const NAMES = ['__Secure-authjs.session-token', 'authjs.session-token']

/** The session token among the cookies. Auth.js cuts one of more than 4 KB into pieces: NAME.0, NAME.1 and so on. */
export function sessionToken(cookies: readonly Cookie[]): string | undefined {
  for (const name of NAMES) {
    const whole = cookies.find((cookie) => cookie.name === name)
    if (whole !== undefined) return whole.value
    const pieces = cookies
      .filter((cookie) => cookie.name.startsWith(`${name}.`))
      .sort((a, b) => Number(a.name.slice(name.length + 1)) - Number(b.name.slice(name.length + 1)))
    if (pieces.length > 0) return pieces.map(({ value }) => value).join('')
  }
  return undefined
}
