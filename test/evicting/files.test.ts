/** Which files run with evictions, and in which slice. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { allFiles, CORE, LEFT_OUT, slice } from './files.ts'

const files = allFiles()

describe('the files that run with evictions', () => {
  it('are all in one slice of three, and the core in each', () => {
    const slices = [1, 2, 3].map((index) => slice(files, index, 3))
    expect([...new Set(slices.flat())].sort()).toEqual(files)
    const inEach = files.filter((file) => slices.every((one) => one.includes(file)))
    const inOne = files.filter((file) => slices.filter((one) => one.includes(file)).length === 1)
    expect(inEach.length).toBeGreaterThan(CORE.length)
    expect(inEach.length + inOne.length).toBe(files.length)
  })

  it.each(CORE.filter((one) => typeof one === 'string'))('have %s in the core', (file) => {
    expect(files).toContain(file)
  })

  it.each(Object.entries(LEFT_OUT))('are without %s, which %s', (file, reason) => {
    expect(existsSync(join(projectRoot, file))).toBe(true)
    const source = readFileSync(join(projectRoot, file), 'utf8')
    expect(/staysAwake/.test(source)).toBe(reason.includes('awake'))
  })
})
