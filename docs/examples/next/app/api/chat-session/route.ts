/**
 * Where the application uses Auth.js: signs the user in to the chat by the application's own session token, which stays on
 * the server as its cookie is meant to.
 */
import { cookies } from 'next/headers'
import { sessionToken } from '@/chat/authjs'

export async function POST(request: Request): Promise<Response> {
  const token = sessionToken((await cookies()).getAll())
  if (token === undefined) return new Response(null, { status: 401 })
  const { device_id } = (await request.json()) as { device_id?: string }
  const answer = await fetch(`${process.env.CHAT_HOMESERVER}/_matrix/client/v3/login`, {
    method: 'POST',
    body: JSON.stringify({ type: 'org.matrix.login.jwt', token, device_id }),
  })
  return new Response(answer.body, {
    status: answer.status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  })
}
