import type { Results } from './report.ts'
export function plot(_results: Results): string {
  return ''
}
