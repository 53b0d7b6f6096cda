/**
 * What the relay counts, for Prometheus. One registry per relay, so that several can run in one process. Labels are
 * bounded: reasons and results are closed sets, lists and upstreams are limited in number (tenant-metrics.ts); never an
 * address, and never a user name.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { createTenantMetrics } from './tenant-metrics.ts';

export type Metrics = ReturnType<typeof createMetrics>;

const SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 30, 120, 600];
const BYTES = [1024, 10_240, 102_400, 1_048_576, 10_485_760, 104_857_600];

export function createMetrics() {
  const registers = [new Registry()];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter({ name: `smtpplus_${name}`, help, labelNames, registers });
  /** @param aggregator what several workers come to. */
  const gauge = <Label extends string>(
    name: string,
    help: string,
    { labelNames = [], aggregator = 'sum' }: { labelNames?: readonly Label[]; aggregator?: 'sum' | 'max' | 'min' } = {},
  ) => new Gauge({ name: `smtpplus_${name}`, help, labelNames, aggregator, registers });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly Label[] = [],
  ) => new Histogram({ name: `smtpplus_${name}`, help, buckets, labelNames, registers });
  const [registry] = registers as [Registry];
  collectDefaultMetrics({ register: registry });
  const tenants = createTenantMetrics();
  return {
    registry,
    show: tenants.show,
    shownValues: tenants.shownValues,
    connections: gauge('connections', 'Connections that are open now'),
    sessions: counter('sessions_total', 'Sessions that have ended, by whether they used TLS', ['tls']),
    connectionsFailed: counter(
      'connections_failed_total',
      'Connections that were refused, broke or timed out, by reason',
      ['reason'],
    ),
    authentications: counter('authentications_total', 'Log-ins by mechanism and result', ['mechanism', 'result']),
    messages: tenants.counter(
      counter('messages_total', 'Messages that got past DATA, by list and result', ['list', 'result']),
    ),
    refusals: tenants.counter(
      counter('refusals_total', 'Refusals by list, stage and reason', ['list', 'stage', 'reason']),
    ),
    audited: tenants.counter(
      counter('audited_total', 'Messages accepted only because the list audits', ['list', 'reason']),
    ),
    guardedRecipients: tenants.counter(
      counter('guarded_recipients_total', 'Recipients that their list does not allow, by what happened to the mail', [
        'list',
        'outcome',
      ]),
    ),
    messageBytes: histogram('message_bytes', 'Size of accepted messages', BYTES),
    spoolMessages: gauge('spool_messages', 'Messages in the spool'),
    spoolBytes: gauge('spool_bytes', 'Bytes of messages in the spool'),
    spoolOldest: gauge(
      'spool_oldest_seconds',
      'Age of the oldest message in the spool, apart from those of lists that are gone',
      { aggregator: 'max' },
    ),
    spoolOrphans: gauge('spool_orphan_messages', 'Messages in the spool whose lists are gone'),
    spoolOrphansOldest: gauge(
      'spool_orphan_oldest_seconds',
      'Age of the oldest message in the spool whose list is gone',
      { aggregator: 'max' },
    ),
    spoolFree: gauge('spool_free_bytes', 'Free space for mail on the disk of the spool, above the reserve'),
    spoolFull: gauge('spool_full', '1 while the spool has no room and all mail is refused with 452', {
      aggregator: 'max',
    }),
    spoolFill: gauge(
      'spool_fill_ratio',
      'How full the spool is, by its disk or by memory, whichever is fuller; 0 to 1',
      {
        aggregator: 'max',
      },
    ),
    spoolNamespaceFill: gauge(
      'spool_namespace_fill_ratio',
      'How full the share of a namespace in the spool is, 0 to 1; only for the fullest ones',
      { labelNames: ['namespace'], aggregator: 'max' },
    ),
    spoolWrite: histogram('spool_write_seconds', 'Time to write a message to disk', SECONDS),
    deliveries: tenants.counter(
      counter('deliveries_total', 'Deliveries to recipients, by upstream and result', ['upstream', 'result']),
    ),
    deliverySeconds: tenants.histogram(
      histogram('delivery_seconds', 'Duration of one delivery attempt', SECONDS, ['upstream']),
      'upstream',
    ),
    upstreamReplies: tenants.counter(
      counter('upstream_replies_total', 'Replies of upstreams, by their first digit', ['upstream', 'class']),
    ),
    upstreamsUnreachable: tenants.level(
      gauge('upstreams_unreachable', 'Upstreams that have accepted no mail for at least a minute, by name', {
        labelNames: ['upstream'],
        aggregator: 'max',
      }),
      'upstream',
    ),
    signatures: counter('dkim_signed_total', 'Messages to be signed with DKIM, by result', ['result']),
    bounces: counter('bounces_total', 'Reports to senders, by kind', ['kind']),
    reportsLost: tenants.counter(
      counter('reports_lost_total', 'Reports that could not be delivered to the sender, by upstream', ['upstream']),
    ),
    spans: counter('spans_total', 'Spans of messages with a trace, by whether the collector took them', ['result']),
    handedOver: counter('messages_handed_over_total', 'Messages that other relays took over when this one stopped'),
    takenOver: counter('messages_taken_over_total', 'Messages taken over from relays that stopped'),
    handoverUnsure: counter(
      'handover_unsure_total',
      'Messages sent although another relay, which never answered, may have taken them over: they may arrive twice',
    ),
    configTimestamp: gauge('config_timestamp_seconds', 'When the configuration in force was read', {
      aggregator: 'min',
    }),
    configErrors: counter('config_errors_total', 'Configuration documents that could not be read'),
    configInfo: gauge('config_info', 'Hash of the configuration in force', { labelNames: ['hash'], aggregator: 'max' }),
    certificateExpiry: gauge('certificate_expiry_timestamp_seconds', 'When the certificate expires', {
      aggregator: 'min',
    }),
  };
}
