/**
 * Shares out the places for messages under way (`concurrency`). They are divided among the namespaces that have mail
 * for them: what one holds beyond its share, because nobody else was waiting when it began, takes nothing from the
 * others, so that an upstream that hangs holds up the mail of its own namespace alone. Within a namespace, each further
 * place of a user takes as many free ones: something is always left for another user.
 */
import type { Sender } from '../spool/entries.ts';
import { type Admission, lineOf } from './sender-queue.ts';

export interface Places extends Admission {
  /** Divides the places among those that hold one and those that wait for one now. */
  divide(waiting: Iterable<string>, concurrency: number): void;
  /** Takes a place; the result gives it back. */
  occupy(sender: Sender): () => void;
  active(): number;
}

/**
 * A namespace that holds none gets one though all are taken: others may have had them since before it came. Only so
 * many times the places there are: each message under way takes memory and a connection.
 */
const OVERSHOOT = 20;

interface Held {
  active: number;
  readonly lines: Map<string, number>;
}

export function createPlaces(): Places {
  const held = new Map<string, Held>();
  let active = 0;
  let concurrency = 0;
  let contenders = 0;
  let share = 0;
  /** Without what somebody holds beyond its share. */
  let counted = 0;

  function add(namespace: string, line: string, step: 1 | -1): void {
    const own = held.get(namespace) ?? { active: 0, lines: new Map<string, number>() };
    own.active += step;
    active += step;
    const count = (own.lines.get(line) ?? 0) + step;
    if (count > 0) own.lines.set(line, count);
    else own.lines.delete(line);
    if (own.active > 0) held.set(namespace, own);
    else held.delete(namespace);
  }

  function mayOvershoot(): boolean {
    return active < concurrency * OVERSHOOT;
  }

  return {
    divide: (waiting, places) => {
      concurrency = places;
      contenders = new Set([...held.keys(), ...waiting]).size;
      share = Math.max(1, Math.floor(places / Math.max(1, contenders)));
      counted = [...held.values()].reduce((sum, own) => sum + Math.min(own.active, share), 0);
    },
    namespace: (namespace) => {
      const own = held.get(namespace)?.active ?? 0;
      if (own === 0) return mayOvershoot();
      // alone, it is its users that need to be kept apart
      return (own < share && counted < concurrency) || (contenders === 1 && mayOvershoot());
    },
    line: (namespace, line) => {
      const own = held.get(namespace);
      const mine = own?.lines.get(line) ?? 0;
      return own === undefined || mine === 0 || mine < share - own.active;
    },
    occupy: (sender) => {
      const { namespace } = sender;
      const line = lineOf(sender);
      add(namespace, line, 1);
      if ((held.get(namespace)?.active ?? 0) <= share) counted++;
      let isHeld = true;
      return () => {
        if (isHeld) add(namespace, line, -1);
        isHeld = false;
      };
    },
    active: () => active,
  };
}
