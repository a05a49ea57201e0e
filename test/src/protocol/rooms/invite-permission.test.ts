/** Whose invites a user wants: MSC4380 and MSC4155. */
import { expect, it } from 'vitest'
import { invitePermission } from '../../../../src/protocol/rooms/invite-permission.ts'

const sender = '@bob:evil.example'

it.each([
  [{}, 'allow'],
  [{ blocked_users: ['@bob:evil.example'] }, 'block'],
  [{ ignored_users: ['@bob:*'], blocked_users: ['@bob:*'] }, 'ignore'],
  [{ allowed_users: ['@b?b:evil.example'], blocked_servers: ['evil.example'] }, 'allow'],
  [{ blocked_servers: ['*.example'] }, 'block'],
  [{ ignored_servers: ['evil.example'], blocked_servers: ['evil.example'] }, 'ignore'],
  [{ allowed_servers: ['evil.example'], blocked_servers: ['*'] }, 'allow'],
  [{ blocked_servers: ['good.example'] }, 'allow'],
  [{ enabled: false, blocked_users: ['*'] }, 'allow'],
  [{ blocked_users: 'everybody' }, 'allow'],
  [{ blocked_users: [7, null] }, 'allow'],
])('%j says %s', (filter, permission) => {
  expect(invitePermission({ filter }, sender)).toBe(permission)
})

it('blocks everybody by default_action, whatever else is allowed', () => {
  const settings = { permission: { default_action: 'block' }, filter: { allowed_users: ['*'] } }
  expect(invitePermission(settings, sender)).toBe('block')
  expect(invitePermission({ permission: { default_action: 'allow' } }, sender)).toBe('allow')
})
