/** Devices. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Answer, Client } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { server, http } = serving([], { 'client-address-header': 'x-real-ip' })
let phone: Client
let laptop: Client

beforeAll(async () => {
  phone = await http.register('alice', { device_id: 'PHONE' })
  laptop = await http.login('alice', { device_id: 'LAP/TOP', initial_device_display_name: 'Laptop' })
})

const failure = ({ status, body }: Answer) => [status, body.errcode]

describe('devices', () => {
  it('are named at login, with a name of bounded length', async () => {
    const named = await http.login('alice', { initial_device_display_name: 'x'.repeat(300) })
    const { body } = await named.get(`/devices/${named.deviceId}`)
    expect(body.display_name).toBe('x'.repeat(255))
    await named.post('/logout')
  })

  it('are listed, with what is known of each', async () => {
    const { body } = await phone.get('/devices')
    expect(body.devices).toEqual([
      {
        device_id: 'LAP/TOP',
        display_name: 'Laptop',
        last_seen_ts: expect.any(Number),
        last_seen_ip: null,
      },
      { device_id: 'PHONE', last_seen_ts: expect.any(Number), last_seen_ip: null },
    ])
  })

  it('are shown one by one', async () => {
    const { body } = await phone.get(`/devices/${encodeURIComponent('LAP/TOP')}`)
    expect(body).toMatchObject({ device_id: 'LAP/TOP', display_name: 'Laptop' })
    expect(failure(await phone.get('/devices/OTHER'))).toEqual([404, 'M_NOT_FOUND'])
  })

  it('are renamed, by any device of the user', async () => {
    expect((await laptop.put('/devices/PHONE', { display_name: 'Telephone' })).body).toEqual({})
    expect((await phone.get('/devices/PHONE')).body.display_name).toBe('Telephone')
    expect((await laptop.put('/devices/PHONE', {})).status).toBe(200)
    expect((await phone.get('/devices/PHONE')).body.display_name).toBe('Telephone')
  })

  it('that do not exist are not renamed', async () => {
    expect(failure(await phone.put('/devices/OTHER', { display_name: 'x' }))).toEqual([404, 'M_NOT_FOUND'])
    expect(failure(await phone.put('/devices/OTHER', {}))).toEqual([404, 'M_NOT_FOUND'])
    expect(failure(await phone.put('/devices/PHONE', { display_name: 1 }))).toEqual([400, 'M_BAD_JSON'])
  })

  it('are deleted with the account data about them', async () => {
    const gone = await http.login('alice', { device_id: 'GONE' })
    const at = (device: string) =>
      `/user/${encodeURIComponent(phone.userId)}/account_data/org.matrix.msc3890.local_notification_settings.${device}`
    for (const device of ['GONE', 'PHONE']) await phone.put(at(device), { is_silenced: true })
    await gone.post('/logout')
    expect(failure(await phone.get(at('GONE')))).toEqual([404, 'M_NOT_FOUND'])
    expect((await phone.get(at('PHONE'))).body).toEqual({ is_silenced: true })
  })

  it('of other users cannot be seen', async () => {
    const bob = await http.register('bob')
    expect(failure(await bob.get('/devices/PHONE'))).toEqual([404, 'M_NOT_FOUND'])
    expect((await bob.get('/devices')).body.devices).toHaveLength(1)
  })

  it('remember the address that the trusted proxy named last', async () => {
    const body = {
      type: 'm.login.password',
      user: 'alice',
      password: 'correct horse battery staple',
      device_id: 'SEEN',
    }
    const headers = { 'x-real-ip': '6.6.6.6, 192.0.2.7' }
    expect((await http.request('POST', '/login', body, { headers })).status).toBe(200)
    expect((await phone.get('/devices/SEEN')).body.last_seen_ip).toBe('192.0.2.7')
  })

  it('reach the archive, and leave it with the session', async () => {
    const client = await http.login('alice', { device_id: 'ARCHIVED' })
    const archived = () =>
      server.pg("select body from user_records where user_id = $1 and kind = 'device' and key = 'ARCHIVED'", [
        client.userId,
      ])
    await expect
      .poll(archived, { timeout: 10_000 })
      .toMatchObject([{ body: expect.stringContaining('"ARCHIVED"') }])
    await client.post('/logout')
    await expect.poll(archived, { timeout: 10_000 }).toEqual([{ body: null }])
  })
})
