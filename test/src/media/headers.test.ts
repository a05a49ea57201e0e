/** Headers of downloads, and ranges. */
import { describe, expect, it } from 'vitest'
import { contentTypeOf, disposition } from '../../../src/media/headers.ts'

describe('a media type', () => {
  it.each([
    ['image/png', 'image/png'],
    ['text/plain; charset=utf-8', 'text/plain; charset=utf-8'],
    [undefined, 'application/octet-stream'],
    ['nonsense', 'application/octet-stream'],
    ['text/html\r\nX-Evil: 1', 'application/octet-stream'],
    [`text/${'x'.repeat(300)}`, 'application/octet-stream'],
  ])('given as %j is kept as %j', (given, kept) => {
    expect(contentTypeOf(given)).toBe(kept)
  })
})

describe('the disposition', () => {
  it.each([
    ['image/png', 'a.png', 'inline; filename="a.png"'],
    ['text/plain; charset=utf-8', undefined, 'inline'],
    ['text/html', 'a.html', 'attachment; filename="a.html"'],
    ['image/svg+xml', undefined, 'attachment'],
    ['image/png', 'a"b.png', 'inline; filename="a_b.png"; filename*=UTF-8\'\'a%22b.png'],
    [
      'image/png',
      'ткань (1).png',
      'inline; filename="_____ (1).png"; filename*=UTF-8\'\'%D1%82%D0%BA%D0%B0%D0%BD%D1%8C%20%281%29.png',
    ],
    ['image/png', 'a\r\nb', 'inline; filename="a__b"; filename*=UTF-8\'\'a%0D%0Ab'],
    ['image/png', 'a\ud800', 'inline; filename="a_"; filename*=UTF-8\'\'a%EF%BF%BD'],
    ['IMAGE/Png', undefined, 'inline'],
    ['TEXT/Html', undefined, 'attachment'],
  ])('of %j called %j is %j', (type, name, expected) => {
    expect(disposition(type, name)).toBe(expected)
  })

  it('is inline for each type that the specification names, and for no other', () => {
    const named = {
      text: 'css plain csv',
      application: 'json ld+json',
      image: 'jpeg gif png apng webp avif',
      video: 'mp4 webm ogg quicktime',
      audio: 'mp4 webm aac mpeg ogg wave wav x-wav x-pn-wav flac x-flac',
    }
    for (const [kind, types] of Object.entries(named)) {
      for (const type of types.split(' '))
        expect([kind, type, disposition(`${kind}/${type}`, '')]).toEqual([kind, type, 'inline'])
      expect(disposition(`${kind}/other`, '')).toBe('attachment')
    }
  })
})
