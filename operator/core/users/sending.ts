/** Where the mail of a user who can send ends up: nowhere, while the upstream of its list takes none. */
import { withNote, type Judgement } from '../conditions.ts';
import type { UpstreamFact } from '../model.ts';
import { BUILT_IN_LIST } from '../names.ts';
import type { AdmittedUser } from './users.ts';

/**
 * `Ready` of a user who wishes to send. A list that keeps mail (`Spool`) takes it all the same, and its users can send: they
 * are told that it waits. One that hands it on at once (`Passthrough`) refuses it, so that they cannot.
 */
export function readyToSend(ready: Judgement, admitted: AdmittedUser, upstream: UpstreamFact | undefined): Judgement {
  const { spec, list, terms } = admitted;
  // nothing of a sandbox is handed on
  if (ready.status !== 'True' || spec.mode === 'Sandbox') return ready;
  const isUnresolved = terms.upstream.status !== 'True';
  if (!isUnresolved && upstream?.trouble === undefined) return ready;
  const why = isUnresolved ? 'cannot be used' : 'takes none';
  const where = whereToRead(list, isUnresolved ? 'UpstreamResolved' : 'UpstreamReachable');
  if (terms.config.delivery.mode === 'Spool') {
    return withNote(ready, `Its mail is accepted and waits, because the upstream ${why}; ${where}.`);
  }
  const isPartial = upstream !== undefined && upstream.failing.length < upstream.of && !isUnresolved;
  const message = `${isPartial ? 'Some of its mail' : 'Its mail'} is refused with 451: spec.delivery.mode of its list is Passthrough, and the upstream ${why}; ${where}.`;
  return { type: 'Ready', status: 'False', reason: 'UpstreamUnreachable', message };
}

/** Users of a list in another namespace are told no more than that: its upstream is none of theirs. */
function whereToRead(list: string, condition: string): string {
  if (list === BUILT_IN_LIST) return 'the platform owner finds the cause in the log of the relays';
  return `see the condition ${condition} of SmtpPlusList ${list}`;
}
