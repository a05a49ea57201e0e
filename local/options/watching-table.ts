/** The options by which an operator watches the server: metrics and traces. */
import { share, urlOf } from './checks.ts'
import type { OptionRow } from './option-row.ts'

export const watchingTable = {
  'metrics-token': {
    variable: 'METRICS_TOKEN',
    value: 'secret',
    help: 'What /metrics and /_selvedge/status ask for, 16 characters at least; without it, see docs/operation.md.',
    check: (text) =>
      /^[A-Za-z0-9_~+/=.-]{16,256}$/.test(text) ? undefined : 'must be 16 to 256 letters, digits and _~+/=.-',
  },
  'otlp-endpoint': {
    variable: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    value: 'url',
    help: 'Where traces go by OTLP over HTTP, such as http://127.0.0.1:4318. Default: nowhere.',
    check: urlOf('https:', 'http:'),
  },
  'otlp-headers': {
    variable: 'OTEL_EXPORTER_OTLP_HEADERS',
    value: 'headers',
    help: 'Headers for the collector of traces: name=value, with commas between them.',
    check: (text) =>
      /^[\w-]+=[^,]*(,[\w-]+=[^,]*)*$/.test(text)
        ? undefined
        : 'must be name=value, with commas between them',
  },
  'trace-sample': {
    value: 'share',
    default: '0.01',
    help: 'The share of requests that have a trace: from 0 to 1.',
    check: share,
  },
} as const satisfies Record<string, OptionRow>
