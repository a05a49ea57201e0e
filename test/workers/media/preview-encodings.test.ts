/** In which encoding a page is read of which a preview is made. */
import { describe, expect, it } from 'vitest'
import { previewing } from '../../support/media/site.ts'

const { serve, previewed } = previewing()

const HTML = 'text/html'
const latin1 = (page: string) => Buffer.from(page, 'latin1')
const utf8 = (page: string) => Buffer.from(page)

describe('a page', () => {
  it.each([
    ['the header', 'text/html; charset=windows-1252', latin1('<title>Caf\xe9</title>'), 'Café'],
    ['itself', HTML, latin1('<meta charset="iso-8859-1"><title>Caf\xe9</title>'), 'Café'],
    ['a byte order mark', HTML, Buffer.from('\ufeff<title>Café</title>', 'utf16le'), 'Café'],
    ['nobody that knows', 'text/html; charset=nonsense', utf8('<title>Café</title>'), 'Café'],
    ['a header that is wrong', 'text/html; charset=utf-8', latin1('<title>Caf\xe9</title>'), 'Caf\ufffd'],
    ['a header in quotes', 'text/html; charset="windows-1251"', latin1('<title>\xcf\xf0</title>'), 'Пр'],
    [
      'the header, whatever it says itself',
      'text/html; charset=utf-8',
      utf8('<meta charset="windows-1251"><title>Café</title>'),
      'Café',
    ],
    [
      'a mark, whatever the header says',
      'text/html; charset=windows-1252',
      utf8('\ufeff<title>Café</title>'),
      'Café',
    ],
    ['nobody, and is UTF-8', HTML, utf8('<title>Café</title>'), 'Café'],
    ['nobody, and is not UTF-8', HTML, latin1('<title>\x93Caf\xe9\x94</title>'), '“Café”'],
    [
      'a comment, which says nothing',
      HTML,
      latin1('<!-- <meta charset="windows-1251"> --><title>Caf\xe9</title>'),
      'Café',
    ],
    [
      'what comes after a comment',
      HTML,
      latin1('<!--><meta charset="windows-1251"><title>\xcf\xf0</title>'),
      'Пр',
    ],
    [
      'what comes too late',
      HTML,
      latin1(`<!--${'x'.repeat(1_020)}--><meta charset="windows-1251"><title>Caf\xe9</title>`),
      'Café',
    ],
    [
      'an attribute of another tag, which says nothing',
      HTML,
      latin1('<p title="<meta charset=windows-1251>"><title>Caf\xe9</title>'),
      'Café',
    ],
    [
      'a pragma',
      HTML,
      latin1("<META HTTP-EQUIV='Content-Type' content='text/html; charset=koi8-r'><title>\xf0\xd2</title>"),
      'Пр',
    ],
    [
      'content that is no pragma',
      HTML,
      latin1('<meta name="x" content="text/html; charset=koi8-r"><title>Caf\xe9</title>'),
      'Café',
    ],
    ['a meta that says UTF-16', HTML, utf8('<meta charset="utf-16"><title>Café</title>'), 'Café'],
    [
      'a meta that says x-user-defined',
      HTML,
      latin1('<meta charset="x-user-defined"><title>Caf\xe9</title>'),
      'Café',
    ],
    [
      'a second meta, where the first one knows none',
      HTML,
      latin1('<meta charset="x"><meta charset=shift_jis><title>\x83e\x83X\x83g</title>'),
      'テスト',
    ],
    [
      'its XML declaration',
      'application/xhtml+xml',
      latin1('<?xml version="1.0" encoding="ISO-8859-2"?><html><title>\xb9</title></html>'),
      'š',
    ],
  ])('is read in the encoding named by %s', async (_, type, body, title) => {
    expect(await previewed(serve(body, type))).toEqual({ 'og:title': title })
  })
})
