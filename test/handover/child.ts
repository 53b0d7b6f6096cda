/**
 * One side of a hand-over in a process of its own, to be killed: `receiver` keeps what it takes, or uses it up as a smart host
 * would; `sender` gives away what lies in its spool, and ends. Kills itself at a step, where it is told one.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createHandover } from '../../relay/handover/handover.ts';
import { openSpool, type Spool } from '../../relay/spool/spool.ts';
import { captureLog, createMetrics } from '../support/queued.ts';
import { aClass, aConfig } from '../support/relay-config.ts';

export interface ChildOptions {
  readonly role: 'receiver' | 'sender';
  readonly folder: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Of the receiver: what it has taken goes out. */
  readonly usesUp?: boolean;
  readonly kill?: Kill | undefined;
}

/** Before or after the call of so many to a method of the spool. */
export interface Kill {
  readonly step: Step;
  readonly when: 'before' | 'after';
  readonly count: number;
}

export type Step = 'read' | 'settle' | 'adopt' | 'takenIn' | 'forget' | 'open' | 'close';

export type FromChild =
  | { readonly kind: 'ready' }
  /** Of a sender: how many messages it has left. */
  | { readonly kind: 'done'; readonly left: number };

export const KEY = 'ab'.repeat(32);
const BUDGET_MS = 60_000;

const options = JSON.parse(process.argv[2] ?? '') as ChildOptions;
const metrics = createMetrics();
const { log } = captureLog();
const config = aConfig({ relayClass: aClass({ handover: { key: KEY, relays: 1 } }) });
const spool = withKill(await openSpool(options.folder, { metrics, log, reserveBytes: () => 0 }), options.kill);
// whoever kills us may be gone itself
process.on('disconnect', () => process.exit());
const fleet = { name: options.name, peers: [{ host: options.host, port: options.port }], host: options.host };
if (options.role === 'receiver') await receive();
else await send();

async function receive(): Promise<void> {
  if (options.usesUp === true) createConsumer(spool).start();
  const { port } = options;
  await createHandover({ fleet: { ...fleet, port }, spool, config: () => config, metrics, log }).start(() => {});
  process.send?.({ kind: 'ready' } satisfies FromChild);
}

async function send(): Promise<void> {
  const handover = createHandover({ fleet, spool, config: () => config, metrics, log });
  process.send?.({ kind: 'ready' } satisfies FromChild);
  await handover.run(BUDGET_MS);
  const left = spool.size();
  await spool.close();
  process.send?.({ kind: 'done', left } satisfies FromChild, () => process.exit());
}

/**
 * Takes each message out of the spool, and writes down each time that one has come: twice where it was taken twice. What was
 * written down and is still there after a kill is the same one.
 */
function createConsumer(of: Spool) {
  const file = path.join(options.folder, 'seen.log');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  const said = (word: string) =>
    new Set(lines.flatMap((line) => (line.startsWith(word) ? [line.slice(word.length)] : [])));
  const [seen, gone] = [said('seen '), said('gone ')];
  const note = (word: string, id: string): void => appendFileSync(file, `${word}${id}\n`);

  async function useUp(id: string): Promise<void> {
    await of.settle(id, { reports: [] });
    note('gone ', id);
  }

  return {
    start: (): void => {
      for (const { id } of of.entries()) {
        if (!seen.has(id) || gone.has(id)) note('seen ', id);
        void useUp(id);
      }
      of.onPut(({ id }) => {
        note('seen ', id);
        void useUp(id);
      });
    },
  };
}

function withKill(real: Spool, kill: Kill | undefined): Spool {
  if (kill === undefined) return real;
  let count = 0;
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (object, name, self) => {
        const value: unknown = Reflect.get(object, name, self);
        if (name === 'transfers') return guard(value as object);
        if (name !== kill.step || typeof value !== 'function') return value;
        return (...parameters: unknown[]) => {
          count++;
          const isNow = count === kill.count;
          if (isNow && kill.when === 'before') process.kill(process.pid, 'SIGKILL');
          const result: unknown = Reflect.apply(value, object, parameters);
          if (!isNow || kill.when === 'before') return result;
          if (!(result instanceof Promise)) process.kill(process.pid, 'SIGKILL');
          return (result as Promise<unknown>).then(() => process.kill(process.pid, 'SIGKILL'));
        };
      },
    });
  return guard(real);
}
