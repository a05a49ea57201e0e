/** The one form in which texts are compared when people search: without case, accents and compatibility forms. */

/** Accents of Latin, Greek and Cyrillic; the marks of other scripts carry meaning and stay. */
const ACCENTS = /[\u0300-\u036f]/g

/** Folds a text for comparison: "Späti", "spati" and "ＳＰÄＴＩ" become the same. */
export function fold(text: string): string {
  return text.normalize('NFKD').toLowerCase().replace(ACCENTS, '').normalize('NFC')
}
