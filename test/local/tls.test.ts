/** Which bytes on the port of TLS are a request whose client waits before it sends the body. */
import { describe, expect, it } from 'vitest'
import { waitsToContinue } from '../../local/tls.ts'

const head = (...headers: string[]) => ['PUT /file HTTP/1.1', 'Host: here', ...headers, '', ''].join('\r\n')

describe('a client', () => {
  it.each([
    ['says so', head('Expect: 100-continue'), true],
    ['says so in other letters', head('EXPECT:100-Continue', 'Content-Length: 5'), true],
    ['does not say so', head('Content-Length: 5'), false],
    ['has sent its body already', `${head('Expect: 100-continue')}hello`, false],
    ['has not sent all of the head', head('Expect: 100-continue').slice(0, -2), false],
    ['says it in the path', head().replace('/file', '/Expect: 100-continue'), false],
    ['sends it within a body', `x${head('Expect: 100-continue')}`, false],
    ['sends a head that is too long', head(`X: ${'x'.repeat(20_000)}`, 'Expect: 100-continue'), false],
  ])('that %s is told to go on if it waits', (_, text, waits) => {
    expect(waitsToContinue(Buffer.from(text))).toBe(waits)
  })
})
