import type { MetricDefinition } from '#api/common/metrics.ts'

/** In seconds: from a fast answer to the longest wait there can be. */
const answerSeconds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60] as const

/** What the HTTP server itself measures. */
export const httpMetrics: readonly MetricDefinition[] = [
  {
    type: 'counter',
    name: 'lockstep_http_requests_total',
    help: 'Requests answered, by the path of the reference.',
    labels: ['method', 'path', 'status'],
  },
  {
    type: 'histogram',
    name: 'lockstep_http_request_seconds',
    help: 'From a request to its answer, waits included.',
    labels: ['method', 'path'],
    buckets: answerSeconds,
  },
  { type: 'gauge', name: 'lockstep_http_open_requests', help: 'Requests being answered now, waits and streams included.', labels: [] },
  {
    type: 'counter',
    name: 'lockstep_connections_refused_total',
    help: 'Connections that no request was read from: too-many, a failed handshake of TLS, plain HTTP, or uncertified.',
    labels: ['cause'],
  },
  {
    type: 'gauge',
    name: 'lockstep_tls_certificate_expiry_timestamp_seconds',
    help: 'When the first of the certificates of this node, or of its CA, expires: seconds since 1970.',
    labels: [],
  },
]
