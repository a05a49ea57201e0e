/** What is served to other servers only where the operator has turned federation on. */
import type { Config } from '../../src/ports/config.ts'

export const federates = ({ federation }: Config): boolean => federation.on
