/** Client-Server API §Sending encrypted attachments: AES-CTR with a key of its own for each file. */
import type { MatrixClient } from 'matrix-js-sdk'

export interface EncryptedFile {
  v: 'v2'
  url: string
  key: JsonWebKey & { kty: 'oct'; alg: 'A256CTR'; k: string; key_ops: string[]; ext: true }
  iv: string
  hashes: { sha256: string }
}

const AES = 'AES-CTR'
/** The counter's half of the block stays zero, so that it cannot run over. */
const IV_BYTES = 8

export async function uploadEncrypted(client: MatrixClient, file: File): Promise<EncryptedFile> {
  const iv = new Uint8Array(16)
  crypto.getRandomValues(iv.subarray(0, IV_BYTES))
  const key = await crypto.subtle.generateKey({ name: AES, length: 256 }, true, ['encrypt', 'decrypt'])
  const ciphertext = await crypto.subtle.encrypt(
    { name: AES, counter: iv, length: 64 },
    key,
    await file.arrayBuffer(),
  )
  const { content_uri: url } = await client.uploadContent(new Blob([ciphertext]), {
    type: 'application/octet-stream',
    includeFilename: false,
  })
  const exported = (await crypto.subtle.exportKey('jwk', key)) as EncryptedFile['key']
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', ciphertext))
  return { v: 'v2', url, key: exported, iv: unpadded(iv), hashes: { sha256: unpadded(hash) } }
}

/** An address that an `img` can show. @throws when the file cannot be had, or is not what was sent */
export async function downloadEncrypted(
  client: MatrixClient,
  file: EncryptedFile,
  type: string,
): Promise<string> {
  const address = client.mxcUrlToHttp(file.url, undefined, undefined, undefined, false, true, true)!
  const answer = await fetch(address, { headers: { Authorization: `Bearer ${client.getAccessToken()}` } })
  if (!answer.ok) throw new Error(`The picture answers ${answer.status}`)
  const ciphertext = await answer.arrayBuffer()
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', ciphertext))
  if (unpadded(hash) !== file.hashes.sha256) throw new Error('The picture is not what was sent')
  const key = await crypto.subtle.importKey('jwk', file.key, AES, false, ['decrypt'])
  const iv = Uint8Array.from(atob(file.iv), (char) => char.charCodeAt(0))
  const bytes = await crypto.subtle.decrypt({ name: AES, counter: iv, length: 64 }, key, ciphertext)
  return URL.createObjectURL(new Blob([bytes], { type }))
}

function unpadded(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll('=', '')
}
