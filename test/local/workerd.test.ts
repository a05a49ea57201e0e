/** How the runtime is started: with what its C library reads. */
import { afterEach, expect, it, vi } from 'vitest'
import { runtimeProcess } from '../../local/runtime/workerd.ts'

afterEach(() => vi.unstubAllEnvs())

it.each([
  [undefined, 'glibc.pthread.rseq=0'],
  ['', 'glibc.pthread.rseq=0'],
  ['glibc.malloc.perturb=1', 'glibc.malloc.perturb=1:glibc.pthread.rseq=0'],
])('tunables of the operator (%s) stay beside ours', (given, used) => {
  vi.stubEnv('GLIBC_TUNABLES', given)
  expect(runtimeProcess('/nowhere').env.GLIBC_TUNABLES).toBe(used)
})
