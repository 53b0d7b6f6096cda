/** What a full spool of the relays means for the objects of a class. */
import { withNote, type Judgement } from './conditions.ts';
import type { RelaysFact } from './model.ts';
import { named } from './named.ts';

const NAMED_MAX = 3;

/** `Ready` of an object whose owner wishes that mail is accepted: not while no relay has room for it. */
export function readyWithRoom(ready: Judgement, className: string, relays: RelaysFact | undefined): Judgement {
  if (ready.status !== 'True' || relays === undefined || relays.full.length === 0) return ready;
  const { full, of } = relays;
  const mend =
    'the platform owner finds out why mail does not leave (smtpplus_spool_bytes, UpstreamReachable of lists), or enlarges the volume.';
  if (full.length < of) {
    const note = `${full.length} of ${of} relays of class ${className} (${named(full, NAMED_MAX)}) have a full spool and refuse mail with 452, so some of it has to be sent again; ${mend}`;
    return withNote(ready, note);
  }
  const whose =
    of === 1
      ? `The relay of class ${className} has`
      : `All ${of} relays of class ${className} (${named(full, NAMED_MAX)}) have`;
  const message = `${whose} a full spool, so all mail is refused with 452; ${mend}`;
  return { type: 'Ready', status: 'False', reason: 'RelaysFull', message };
}
