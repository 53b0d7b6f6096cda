/**
 * Delivery without a spool: the client waits while its message goes to the upstream, and gets the upstream's answer.
 * All or nothing: one reply stands for all recipients, so where one is refused nobody gets the message. A recipient
 * whom others are redirected to has a copy of its own, which goes first: where the rest is refused after that, this one
 * alone has got the message.
 */
import type { RelayConfig } from '../config/config.ts';
import type { Lane, Lanes } from './lanes.ts';
import type { Log } from '../observe/log.ts';
import type { AcceptedMessage, Content, Recipient } from '../message.ts';
import type { Metrics } from '../observe/metrics.ts';
import { namedRecipients } from '../observe/named-recipients.ts';
import { judgeRecipient } from '../recipient-guard.ts';
import { type Reply, replies } from '../replies.ts';
import type { Signed, SignMessage } from '../dkim/sign-message.ts';
import { nextBatch } from './redirected-copy.ts';
import { reportRelayed, type RelayedReportOptions } from './relayed-report.ts';
import type { Sender } from '../spool/entries.ts';
import type { Verdict } from '../spool/record.ts';
import { isOurFault, type TransportResult } from './transport.ts';
import { deferred, replyClass } from './upstream-reply.ts';
import { countOutcome } from './count-outcome.ts';
import { spanOfDelivery } from '../tracing/message-spans.ts';
import type { SpanSender } from '../tracing/span-sender.ts';
import { traceField } from '../tracing/trace-context.ts';
import type { UsageCounter } from '../usage/counter.ts';

export interface PassThroughOptions {
  readonly lanes: Lanes;
  /** Puts the configuration in force. */
  readonly route: () => RelayConfig | undefined;
  /** Takes a place in the lane; the result gives it back. */
  readonly occupy: (lane: Lane, sender: Sender) => () => void;
  /** Aborted once the list is gone. */
  readonly signalOf: (list: string) => AbortSignal;
  readonly wake: () => void;
  readonly sign: SignMessage;
  readonly now: () => number;
  readonly isStopped: () => boolean;
  /** For reports. */
  readonly spool: RelayedReportOptions['spool'];
  readonly log: Log;
  readonly metrics: Metrics;
  readonly usage: UsageCounter;
  readonly spans: SpanSender;
}

/** A client waits ten minutes after its final dot (RFC 5321 section 4.5.3.2.6): the upstream needs most of it. */
const PLACE_WAIT_MS = 30_000;
const LEVEL = { delivered: 'info', refused: 'warn' } as const;
const UNREADABLE = deferred('4.3.0', 'content could not be read');
/** Each holds a message in memory or on disk. */
const CLIENTS_MAX = 500;

export function createPassThrough(options: PassThroughOptions) {
  const { lanes, route, occupy, wake, now, isStopped, spool, log, metrics, usage, spans } = options;
  /** What makes those who wait give up. */
  const waiting = new Set<() => void>();

  function place(lane: Lane, sender: Sender): Promise<(() => void) | undefined> {
    if (lane.clients.size() >= CLIENTS_MAX) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const giveUp = () => {
        clearTimeout(timer);
        waiting.delete(giveUp);
        resolve(undefined);
      };
      const timer = setTimeout(giveUp, PLACE_WAIT_MS);
      waiting.add(giveUp);
      lane.clients.push(sender, () => {
        if (!waiting.delete(giveUp)) return false;
        clearTimeout(timer);
        resolve(occupy(lane, sender));
        return true;
      });
      wake();
    });
  }

  async function passThrough(message: AcceptedMessage, content: Content): Promise<Reply> {
    if (isStopped()) return replies.shutdown();
    if (route() === undefined) return replies.upstreamUnavailable();
    const { id, user, list, envelope, trace } = message;
    const lane = lanes.of(list);
    if (lane.breaker.retryAt() !== undefined && !lane.breaker.allows(now())) return replies.upstreamUnavailable();
    const release = await place(lane, message);
    if (release === undefined) return replies.upstreamUnavailable();
    const start = performance.now();
    try {
      if (!isLetThrough(route(), message)) {
        lane.breaker.abandoned();
        return replies.recipientsChanged(list);
      }
      const { recipients } = envelope;
      const signal = options.signalOf(list);
      const result = await deliverAll(lane, message, { signed: await options.sign(message, content), signal });
      if (result.kind !== 'answered' && signal.aborted) lane.breaker.abandoned();
      else {
        lane.breaker.heard(result, now());
        lane.health.heard(list, result, now());
      }
      const reply = replyTo(id, result);
      if (result.kind === 'answered' && reply.reason === 'accepted') {
        await reportRelayed(message, content, result, { spool, config: route, metrics, log, now });
      }
      const verdict = verdictOf(result);
      const upstream = lane.transport.label;
      const outcome = reply.reason === 'accepted' ? 'delivered' : 'refused';
      // a refusal is the client's, and is counted where it is told
      if (result.kind === 'answered' && outcome === 'delivered') {
        countOutcome(usage, route(), message, verdictsOf(result));
      }
      const ms = Math.round(performance.now() - start);
      metrics.deliveries.inc({ upstream, result: outcome }, recipients.length);
      metrics.deliverySeconds.observe({ upstream }, ms / 1000);
      metrics.upstreamReplies.inc({ upstream, class: replyClass(verdict) }, recipients.length);
      const level = isOurFault(result) ? 'error' : LEVEL[outcome];
      const about = { id, list, user, ...traceField(trace), upstream, from: envelope.from };
      log[level]({ ...about, ...namedRecipients(recipients), reply: verdict.text, ms }, outcome);
      spanOfDelivery(spans, message, [verdict], { upstream, attempt: 1, ms });
      return reply;
    } catch (error) {
      lane.breaker.abandoned();
      throw error;
    } finally {
      release();
    }
  }

  return {
    passThrough,
    /** Nobody gets a place any more. */
    close: () => {
      for (const giveUp of waiting) giveUp();
    },
  };
}

/** It may have waited for its place, while the guard became tighter or its list went away. */
function isLetThrough(config: RelayConfig | undefined, { list, envelope }: AcceptedMessage): boolean {
  const inForce = config?.lists.get(list);
  if (inForce === undefined) return false;
  return envelope.recipients.every(({ address }) => judgeRecipient(inForce.recipients, address) === 'allowed');
}

async function deliverAll(
  lane: Lane,
  message: AcceptedMessage,
  { signed, signal }: { readonly signed: Signed; readonly signal: AbortSignal },
): Promise<TransportResult> {
  const verdicts = new Map<string, Verdict>();
  let dsnPassedOn = true;
  let left: readonly Recipient[] = message.envelope.recipients;
  for (;;) {
    const batch = await nextBatch(left, signed);
    left = left.filter(({ address }) => !batch.recipients.some((one) => one.address === address));
    const result = await lane.transport.deliver({ ...message, ...batch, attempts: 0, isAllOrNothing: true }, signal);
    if (result.kind !== 'answered' || firstRefusal(result.verdicts) !== undefined) return result;
    for (const [address, verdict] of result.verdicts) verdicts.set(address, verdict);
    dsnPassedOn &&= result.dsnPassedOn;
    if (left.length === 0) return { kind: 'answered', verdicts, dsnPassedOn };
  }
}

function replyTo(id: string, result: TransportResult): Reply {
  switch (result.kind) {
    case 'broken':
    case 'unreachable':
      return replies.upstreamUnavailable();
    case 'unreadable':
      return replies.internal();
    case 'answered': {
      const refusal = firstRefusal(result.verdicts);
      return refusal === undefined ? replies.accepted(id) : refused(refusal);
    }
  }
}

/** The upstream's own code, unless it was about our session with it: that is no fault of the client. */
function refused({ outcome, code, enhanced, text }: Verdict): Reply {
  const words = text.replace(/[245][0-9][0-9][ -](?:[245]\.[0-9]+\.[0-9]+ )?/, '');
  if (outcome === 'failed') return replies.upstreamRefused(code ?? 554, enhanced, words);
  // 421 would end the client's session with us
  const isOurs = code !== undefined && code >= 400 && code < 500 && code !== 421;
  return replies.upstreamRefused(isOurs ? code : 451, enhanced, words);
}

function firstRefusal(verdicts: ReadonlyMap<string, Verdict>): Verdict | undefined {
  return [...verdicts.values()].find(({ outcome }) => outcome !== 'delivered');
}

function verdictsOf({ verdicts }: Extract<TransportResult, { kind: 'answered' }>): readonly { last: Verdict }[] {
  return [...verdicts.values()].map((last) => ({ last }));
}

/** What the one reply to the client rests on. */
function verdictOf(result: TransportResult): Verdict {
  switch (result.kind) {
    case 'broken':
    case 'unreachable':
      return result.verdict;
    case 'unreadable':
      return UNREADABLE;
    case 'answered':
      return firstRefusal(result.verdicts) ?? result.verdicts.values().next().value ?? UNREADABLE;
  }
}
