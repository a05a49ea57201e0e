/** What the kernel's table of connections says of clients that have gone. */
import { describe, expect, it } from 'vitest'
import { closedPeers } from '../../local/runtime/closed-clients.ts'
import { peerName } from '../../src/ip-address.ts'

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'
const row = (local: string, remote: string, state: string) =>
  `   6: ${local} ${remote} ${state} 00000000:00000001 00:00000000 00000000     0        0 80629 1 00000000428900a7 20 4 28 10 -1`

describe('the peers that have closed their connections', () => {
  it('are those of the port whose state is CLOSE_WAIT', () => {
    const table = [
      HEAD,
      row('0100007F:221B', '00000000:0000', '0A'),
      row('0100007F:221B', '0100007F:E420', '08'),
      row('0100007F:221B', '0100007F:E421', '01'),
      row('0100007F:221C', '0100007F:E422', '08'),
      row('0100007F:E420', '0100007F:221B', '08'),
    ].join('\n')
    expect(closedPeers(table, 0x221b)).toEqual(['127.0.0.1:58400'])
  })

  it('are named as the runtime names them, IPv4 in the form of IPv6 and IPv6 itself', () => {
    const local = '00000000000000000000000000000000:0050'
    const table = [
      row(local, '0000000000000000FFFF000005C8A8C0:1F90', '08'),
      row(local, 'B80D0120000000000000000001000000:1F91', '08'),
    ].join('\n')
    expect(closedPeers(table, 80).map(peerName)).toEqual(['192.168.200.5 8080', '2001:db8::1 8081'])
    expect(['[::ffff:192.168.200.5]:8080', '[2001:db8::1]:8081'].map(peerName)).toEqual(
      closedPeers(table, 80).map(peerName),
    )
  })
})
