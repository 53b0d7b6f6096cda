/** Whether the mail of a list is handed on: what relays have reported about its upstream. */
import type { ListConfig } from '../../../relay/config/config.ts';
import { previousConditions, type Judgement, type Subject } from '../conditions.ts';
import type { RelaysFact, UpstreamFact } from '../model.ts';
import { named } from '../named.ts';
import type { ListTerms } from './list-verdict.ts';

export interface ReachableFacts {
  /** Undefined where they were not asked yet. */
  readonly relays: RelaysFact | undefined;
  /** Undefined where no relay has had mail of the list. */
  readonly upstream: UpstreamFact | undefined;
  readonly programmed: Judgement;
}

const TYPE = 'UpstreamReachable';
const NAMED_MAX = 3;

/**
 * `UpstreamReachable`: False while mail of the list waits for an upstream that takes none. Relays tell what became of mail, so
 * that a list without any is Unknown, and stays True where it was: that nothing is heard is no bad news.
 */
export function judgeReachable(subject: Subject, terms: ListTerms, facts: ReachableFacts): Judgement {
  if (terms.upstream.status !== 'True')
    return unknown('NotTried', 'Not tried, because it cannot be used; see UpstreamResolved.');
  if (facts.programmed.reason === 'NoRelayReady') return unknown('NoRelayReady', facts.programmed.message);
  const { relays } = facts;
  // before relays run the list as it is now, what they tell is about what it was
  const upstream = facts.programmed.status === 'True' ? facts.upstream : undefined;
  if (upstream?.trouble !== undefined) return unreachable(upstream, upstream.trouble, terms.config);
  if (upstream !== undefined) return REACHABLE;
  const before = previousConditions(subject).get(TYPE);
  const isKnown = before?.observedGeneration === subject.meta.generation;
  if (relays?.isSilent === true) return unknown('NotReported', silent(terms.className));
  if (isKnown && before.status === 'True') return REACHABLE;
  if (relays !== undefined) return unknown('NotTried', 'No relay has had mail of this list to deliver yet.');
  // in a process that has just started: relays will be heard in a moment
  if (isKnown && before.reason === 'UpstreamUnreachable') {
    return { type: TYPE, status: 'False', reason: before.reason, message: before.message };
  }
  return unknown('NotReported', `No relay of class ${terms.className} has reported yet what happens to its mail.`);
}

const REACHABLE: Judgement = {
  type: TYPE,
  status: 'True',
  reason: 'Reachable',
  message: 'The upstream accepted the most recent mail.',
};

function unreachable(
  { failing, of }: UpstreamFact,
  trouble: NonNullable<UpstreamFact['trouble']>,
  config: ListConfig,
): Judgement {
  const whose = of === 1 ? '' : ` from ${failing.length} of ${of} relays (${named(failing, NAMED_MAX)})`;
  const { since, time, error } = trouble;
  const message = `The upstream has accepted no mail${whose} since ${since}. ${fateOf(config)} Last error, at ${time}: ${error}`;
  return { type: TYPE, status: 'False', reason: 'UpstreamUnreachable', message };
}

function fateOf({ suspended, delivery }: ListConfig): string {
  if (suspended) return 'Mail that was accepted before the list was suspended waits, and is tried again.';
  return delivery.mode === 'Spool'
    ? 'Mail is still accepted; it waits, and is tried again.'
    : 'Until then, mail is refused with 451, because spec.delivery.mode is Passthrough.';
}

function silent(className: string): string {
  return `No relay pod of class ${className} says what happens to its mail; the platform owner should read their logs (kubectl logs), and check that the network policies let the operator reach their HTTP port.`;
}

function unknown(reason: Judgement['reason'], message: string): Judgement {
  return { type: TYPE, status: 'Unknown', reason, message };
}
