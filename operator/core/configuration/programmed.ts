import { shardFileName, shardOf } from '../../../relay/config.ts';
import { previousConditions, type Judgement, type Subject } from '../conditions.ts';
import { leftOutEntries, leftOutKey, programmedFacts } from '../facts.ts';
import { read, type World } from '../world.ts';

/** Where the configuration of an object is. */
export interface RelayPlace {
  readonly className: string;
  /** Of its entries: a list (`NAMESPACE/NAME`), a user name, a namespace. */
  readonly keys: readonly string[];
}

/**
 * `Programmed`: whether every ready relay of the class runs the configuration of this object, in this generation.
 *
 * Once true it stays true until the object changes: a relay that lags behind a change of some other object runs this one
 * all the same. Without that, each change would turn the condition of every object of the class to and fro.
 */
export function judgeProgrammed(world: World, subject: Subject, place: RelayPlace | undefined): Judgement {
  const type = 'Programmed';
  if (place === undefined) {
    return { type, status: 'False', reason: 'NotAccepted', message: 'No relay serves it, since it is not accepted.' };
  }
  const { className, keys } = place;
  if (keys.some((key) => read(world, leftOutEntries, leftOutKey(className, key)) !== undefined)) {
    return { type, status: 'False', reason: 'NotWritten', message: NO_ROOM };
  }
  const done = { type, status: 'True', reason: 'Programmed', message: 'Every ready relay runs it.' } as const;
  const before = previousConditions(world, subject).get(type);
  if (before?.status === 'True' && before.observedGeneration === subject.meta.generation) return done;
  const fact = read(world, programmedFacts, className);
  const message = keys.map((key) => fact?.unwritten?.[shardFileName(shardOf(key))]).find((why) => why !== undefined);
  if (message !== undefined) return { type, status: 'False', reason: 'NotWritten', message };
  switch (fact?.state) {
    case 'Programmed':
      return done;
    case 'Lagging':
      return { type, status: 'False', reason: 'RelaysLagging', message: fact.message };
    case 'Unknown':
    case undefined:
      return { type, status: 'Unknown', reason: 'NotReported', message: unknownMessage(className) };
  }
}

const NO_ROOM =
  "Its namespace takes more of the relays' configuration than there is room for; remove lists, users, senders or certificates from it.";

function unknownMessage(className: string): string {
  return `No relay of class ${className} has reported yet which configuration it runs.`;
}
