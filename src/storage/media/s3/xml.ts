/** The few answers of S3 that are XML: lists, parts and errors. */
import { decodeXML } from 'entities'

/** The text of the first element of this name. */
export function textIn(xml: string, name: string): string | undefined {
  return textsIn(xml, name)[0]
}

/** The texts of all elements of this name: none of those that are asked for holds others. */
export function textsIn(xml: string, name: string): string[] {
  const element = new RegExp(`<${name}>([^<]*)</${name}>`, 'g')
  return [...xml.matchAll(element)].map(([, text = '']) => decodeXML(text))
}

/** The code of an error, if it is one of S3's kind: nothing else of it may be logged. */
export function errorCodeIn(xml: string): string | undefined {
  const code = textIn(xml, 'Code')
  return code !== undefined && /^[A-Za-z]{2,60}$/.test(code) ? code : undefined
}

/** What completes an upload in parts. */
export function completion(etags: string[]): string {
  const parts = etags.map(
    (etag, index) =>
      `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag.replaceAll('"', '&quot;')}</ETag></Part>`,
  )
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</CompleteMultipartUpload>`
}
