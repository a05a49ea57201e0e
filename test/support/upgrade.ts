/** Asks for an upgrade, and answers what a browser keeps from its pages: the status, the headers and the body of the answer. */
import { request } from 'node:http'

export interface Upgrade {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

/** Ends a socket that opens, and answers 101. */
export function upgrade(url: string, headers: Record<string, string> = {}): Promise<Upgrade> {
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    })
    asked.on('error', reject)
    asked.on('upgrade', (answer, socket) => {
      socket.destroy()
      resolve({ status: answer.statusCode!, headers: answer.headers, body: '' })
    })
    asked.on('response', (answer) => {
      let body = ''
      answer.setEncoding('utf8').on('data', (part: string) => {
        body += part
      })
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, body }))
    })
    asked.end()
  })
}
