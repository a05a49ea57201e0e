/** A server that answers fixed bytes: against it the client measures nothing but itself. */

import net from 'node:net'

const BODY = '{"event_id":"$0123456789012345678901234567890123456789012"}'
const REPLY = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`

const server = net.createServer({ noDelay: true }, (socket) => {
  // The client has one small request in flight a connection and sends it in one packet.
  socket.on('data', () => socket.write(REPLY))
  socket.on('error', () => socket.destroy())
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') console.log(`Ready: http://127.0.0.1:${address.port}`)
})
