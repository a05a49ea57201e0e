/** What the smoke check does: that the server answers, its parts as it sees them, and a user's way through it. */
import type { Check } from './check.ts'
import { alive } from './rows/endpoints.ts'
import { journey } from './rows/journey.ts'
import { deep } from './rows/services.ts'

export const smokeChecks: readonly Check[] = [alive, deep, ...journey]
