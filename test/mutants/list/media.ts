/** Mistakes in uploads, pictures and previews. */
import { inFile, type Mutant } from '../mutant.ts'

const media = (name: string) => [`test/workers/media/${name}.test.ts`]
const unit = (name: string) => [`test/src/media/${name}.test.ts`]

export const MEDIA: readonly Mutant[] = [
  ...inFile('src/media/quota.ts', media('quota'), [
    ['used + length > quota', 'used > quota'],
    ['  await media.remove(mediaId)\n', ''],
  ]),
  ...inFile('src/storage/postgres/media.ts', media('quota'), [
    ['      where usage.bytes + excluded.bytes <= $8::bigint\n', ''],
    [
      '    on conflict (media_id) do nothing\n',
      '    on conflict (media_id) do update set size = excluded.size\n',
    ],
  ]),
  ...inFile('src/storage/postgres/preview-pictures.ts', media('preview-pictures'), [
    ['do update set seen_ts = excluded.seen_ts', 'do update set size = excluded.size'],
    ['from preview_pictures where owner = $2::text and media_id', 'from preview_pictures where media_id'],
    ['from by_all where bytes + $3::bigint > $7::bigint', 'from by_all where bytes > $7::bigint'],
  ]),
  ...inFile('src/media/turns.ts', unit('turns'), [
    ['queue.size > waiting', 'queue.size > waiting + 1_000'],
    ['      queue.delete(own)\n', ''],
    ['if (until < now && key !== own) queue.delete(key)', ''],
  ]),
  ...inFile('src/public-host.ts', unit('web-address'), [
    ["  [ipv4('169.254.0.0'), 16],\n", ''],
    ["  [ipv4('100.64.0.0'), 10],\n", ''],
    ["const name = host.replace(/\\.$/, '')", 'const name = host'],
  ]),
  ...inFile('src/media/web-address.ts', unit('web-address'), [
    [
      "if (url.username !== '' || url.password !== '') return 'invalid'",
      "if (url.username !== '') return 'invalid'",
    ],
    ['text.length > LONGEST ? null : ', ''],
  ]),
  ...inFile('src/media/conditions.ts', media('conditions'), [
    [
      "return listHas(ifNoneMatch, etag, isSameOpaque) ? 'known' : 'answer'",
      "return listHas(ifNoneMatch, etag, isSame) ? 'known' : 'answer'",
    ],
    ['return one === other && !one.startsWith', 'return one === other || one.startsWith'],
    ["list.trim() === '*' || ", ''],
    ['if (ifRange !== undefined && !isStateOf(ifRange.trim(), validators)) return undefined\n', ''],
  ]),
  ...inFile(
    'src/media/thumbnails.ts',
    ['test/src/media/thumbnails.test.ts', ...media('thumbnails')],
    [
      ['  asker.pay()\n', ''],
      ['broken.times >= MAX_BROKEN', 'broken.times > MAX_BROKEN'],
      ['  if (known !== undefined) return known\n  const source', '  const source'],
      ['if (header.animated && !animated) return undefined\n', ''],
    ],
  ),
  ...inFile(
    'src/media/image-header.ts',
    [...unit('image-header'), ...media('odd-pictures')],
    [
      ['!hasPicture && view.getUint32(at + 8) > 1', 'view.getUint32(at + 8) > 1'],
      ['(view.getUint8(20) & ANIMATION) !== 0', 'false'],
      ['while (at < bytes.length && pictures < 2)', 'while (at < bytes.length && pictures < 1)'],
    ],
  ),
  ...inFile('src/media/preview.ts', unit('preview-age'), [
    ["'preview' in outcome ? FRESH_S : FAILURE_FRESH_S", 'FRESH_S'],
  ]),
  ...inFile('src/media/preview.ts', media('preview'), [
    ['named !== null && /^https?:$/.test(named.protocol) ? named : url', 'named ?? url'],
    [
      'await ports.previews.find(url.href).catch(() => undefined)',
      'undefined as Awaited<ReturnType<typeof ports.previews.find>>',
    ],
  ]),
]
