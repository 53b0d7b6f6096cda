import { previousConditions, type Judgement, type Subject } from './conditions.ts';
import type { ProgrammedFact } from './model.ts';

/** Where the configuration of an object is, and what is known of the relays there. */
export interface ProgrammedPlace {
  readonly className: string;
  readonly fact: ProgrammedFact | undefined;
}

/**
 * `Programmed`: whether every ready relay of the class runs the configuration of this object, in this generation.
 *
 * Once true it stays true until the object changes, or no relay is left to run it: a relay that lags behind a change of some other object runs this one
 * all the same. Without that, each change would turn the condition of every object of the class to and fro.
 */
export function judgeProgrammed(subject: Subject, place: ProgrammedPlace | undefined): Judgement {
  const type = 'Programmed';
  if (place === undefined) {
    return { type, status: 'False', reason: 'NotAccepted', message: 'No relay serves it, because it is not accepted.' };
  }
  const { className, fact } = place;
  if (fact?.state === 'NoRoom') return { type, status: 'False', reason: 'NotWritten', message: NO_ROOM };
  if (fact?.state === 'Unserved')
    return { type, status: 'False', reason: 'NoRelayReady', message: unserved(className) };
  const done = { type, status: 'True', reason: 'Programmed', message: 'In force on every ready relay.' } as const;
  if (isProgrammed(subject)) return done;
  switch (fact?.state) {
    case 'Programmed':
      return done;
    case 'NotWritten':
      return { type, status: 'False', reason: 'NotWritten', message: fact.message };
    case 'Lagging':
      return { type, status: 'False', reason: 'RelaysLagging', message: fact.message };
    case 'Unknown':
    case undefined:
      return { type, status: 'Unknown', reason: 'NotReported', message: unknownMessage(className) };
  }
}

/** Whether its status says so, in this generation: nothing but a change of the object, or want of room, changes that. */
function isProgrammed(subject: Subject): boolean {
  const before = previousConditions(subject).get('Programmed');
  return before?.status === 'True' && before.observedGeneration === subject.meta.generation;
}

const NO_ROOM =
  "Its namespace takes more of the relays' configuration than there is room for; delete what is no longer used (users, lists, senders, certificates of upstreams), or move users to a list of another relay class.";

function unserved(className: string): string {
  return `No relay pod of class ${className} is ready, so no mail is accepted; to find out why, the platform owner looks at the pods with the label smtpplus.io/relay-class=${className}.`;
}

function unknownMessage(className: string): string {
  return `No relay of class ${className} has reported yet which configuration it runs.`;
}
