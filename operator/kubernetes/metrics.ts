/** What the operator counts. Label values are bounded: kinds, verbs, status codes, results; never a name. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { messageOf } from '../errors.ts';
import { createEventCounter } from '../event-counter.ts';
import { createSettingsMetrics } from '../settings/metrics.ts';
import type { WorkQueueOptions } from './client/queue.ts';

export type OperatorMetrics = ReturnType<typeof createOperatorMetrics>;

const SECONDS = [0.005, 0.02, 0.1, 0.5, 1, 5, 30, 120];

export function createOperatorMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter({ name: `smtpplus_operator_${name}`, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge({ name: `smtpplus_operator_${name}`, help, labelNames, registers });
  const histogram = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Histogram({ name: `smtpplus_operator_${name}`, help, buckets: SECONDS, labelNames, registers });
  return {
    registry,
    reconciles: counter('reconciles_total', 'Objects worked on, by kind and result', ['kind', 'result']),
    reconcileSeconds: histogram('reconcile_seconds', 'Time to work on one object', ['kind']),
    queueDepth: gauge('queue_depth', 'Objects that wait to be worked on'),
    retries: counter(
      'queue_retries_total',
      'Objects that were put back into the queue, after a failure or to wait for the watch',
    ),
    queueSeconds: histogram('queue_wait_seconds', 'Time that an object waited in the queue'),
    planSeconds: histogram('plan_seconds', 'Duration of one planning pass, by kind of pass', ['pass']),
    requests: counter('api_requests_total', 'Requests to the API server, by method and status', ['method', 'status']),
    requestSeconds: histogram('api_request_seconds', 'Duration of one request to the API server', ['method']),
    writes: counter('writes_total', 'Objects written, by what was written', ['what']),
    relists: counter('relists_total', 'Times that all objects of a kind were listed again', ['kind']),
    watchAge: gauge('watch_silence_seconds', 'Time since the API server last sent something on a watch', ['kind']),
    leader: gauge('leader', '1 if this replica is the leader'),
    objects: gauge('objects', 'Objects, by kind and whether they are ready', ['kind', 'ready']),
    changeSeconds: histogram(
      'change_to_written_seconds',
      'Time from a change until the configuration of the relays is written',
    ),
    configurationLag: gauge(
      'configuration_lag_seconds',
      'How long a change of the configuration of a class has waited for all its ready relays to run it; 0: all of them run it',
      ['class'],
    ),
    crdsOutdated: gauge('crds_outdated', '1 for each kind whose CRD is of a different version than this operator', [
      'kind',
    ]),
    contestedStatuses: gauge('contested_statuses', 'Statuses left alone, because somebody else keeps replacing them'),
    certificateExpiry: gauge(
      'certificate_expiry_timestamp_seconds',
      'When the certificate that relays of a class are given expires; 0: they are given none',
      ['class'],
    ),
    certificateTroubles: gauge(
      'certificate_troubles',
      '1 for each thing that is wrong with the certificate of a class',
      ['class', 'reason'],
    ),
    strandedSpools: gauge('stranded_spools', 'Volumes with mail, or perhaps with mail, that no relay reads any more', [
      'class',
    ]),
    strandedMessages: gauge(
      'stranded_messages',
      'Messages on these volumes, as far as their relays have reported them',
      ['class'],
    ),
    countEvent: createEventCounter(registry),
    settings: createSettingsMetrics(registry),
    mailProofs: counter('mail_proofs_total', 'Steps of proofs by mail, by step', ['step']),
    verifyPages: counter('verify_pages_total', 'Answers of the page that the link in a mail leads to', ['answer']),
    eventsDropped: gauge('events_dropped', 'Events that were dropped because too many waited'),
  };
}

/** Counts what a queue has done. A key is a kind and a name, or (of documents and pods) a class and perhaps a file. */
export function queueObserver(
  metrics: OperatorMetrics,
  onTrouble: (message: string) => void,
): NonNullable<WorkQueueOptions['onDone']> {
  return ({ key, waitedMs, tookMs, error }) => {
    const kind = kindOf(key);
    metrics.reconciles.inc({ kind, result: error === undefined ? 'done' : 'failed' });
    metrics.reconcileSeconds.observe({ kind }, tookMs / 1000);
    metrics.queueSeconds.observe(waitedMs / 1000);
    if (error === undefined) return;
    metrics.retries.inc();
    onTrouble(`${key}: ${messageOf(error)}`);
  };
}

function kindOf(key: string): string {
  if (!key.includes('/')) return 'relays';
  return key.endsWith('.json') && key.split('/').length === 2 ? CONFIGURATION : (key.split('/')[0] ?? '');
}

const CONFIGURATION = 'configuration';
