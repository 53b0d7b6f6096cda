/** A worker's connections to smart hosts: it says how many it could use, and its parent how many it may have open. */
import { createHash } from 'node:crypto';
import { type Allow, allowAll } from '../delivery/allowance.ts';
import type { FromWorker, ToWorker } from './messages.ts';

export interface AskedPlaces {
  readonly allow: Allow;
  readonly hear: (message: Extract<ToWorker, { kind: 'places' }>) => void;
}

/** What was of use a moment ago may be again: fewer are asked for only where none of this time needed more. */
const STEADY_MS = 1000;

export function askPlaces(send: (message: FromWorker) => void): AskedPlaces {
  const asked = new Map<number, (granted: number) => void>();
  let last = 0;

  const allow: Allow = (key, transport, onChange) => {
    const { connections } = transport;
    // a folder has as many places in each process
    if (connections === undefined) return allowAll(key, transport, onChange);
    const id = ++last;
    // the settings of a smart host hold its password
    const host = createHash('sha256').update(key).digest('base64url');
    const most = transport.limit();
    let granted = 0;
    let isLowering = false;
    let told = 0;
    let peak = { wanted: 0, since: 0 };

    function tell(wanted: number, left?: number): void {
      told = wanted;
      send({ kind: 'places', id, wish: { host, most, wanted, left } });
    }

    asked.set(id, (next) => {
      isLowering ||= next < granted;
      granted = next;
      onChange();
    });
    return {
      most: () => granted,
      look: ({ active, waiting }, now) => {
        const wanted = Math.min(most, active + Math.max(connections.idle(), waiting()));
        if (wanted > peak.wanted) peak = { ...peak, wanted };
        if (wanted > told) tell(wanted);
        else if (now - peak.since >= STEADY_MS) {
          if (peak.wanted < told) tell(peak.wanted);
          peak = { wanted, since: now };
        }
        if (!isLowering) return;
        connections.closeIdle(Math.max(0, granted - active));
        if (active > granted) return;
        isLowering = false;
        tell(told, granted);
      },
      close: () => {
        granted = 0;
        tell(0, 0);
        asked.delete(id);
      },
    };
  };

  return { allow, hear: ({ id, granted }) => asked.get(id)?.(granted) };
}
