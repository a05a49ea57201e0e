/** All services by their names. */
import type { Service, ServiceName } from '../service.ts'
import { kafka } from './kafka.ts'
import { kafkaSink } from './kafka-sink.ts'
import { kubo } from './kubo.ts'
import { nginx } from './nginx.ts'
import { postgres } from './postgres.ts'
import { prometheus } from './prometheus.ts'
import { redis } from './redis.ts'
import { selvedge } from './selvedge.ts'

export const SERVICES: Readonly<Record<ServiceName, Service>> = {
  postgres,
  redis,
  kafka,
  kubo,
  selvedge,
  'kafka-sink': kafkaSink,
  nginx,
  prometheus,
}
