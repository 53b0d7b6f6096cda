import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Allowance } from '../delivery/allowance.ts';
import type { Transport } from '../delivery/transport.ts';
import { askPlaces } from './asked-places.ts';
import { createHostPlaces, type Holder } from './host-places.ts';
import type { FromWorker } from './messages.ts';

/** A worker with mail for one smart host, and the two channels between it and the parent, in which messages take their time. */
class FakeWorker {
  readonly toParent: FromWorker[] = [];
  readonly fromParent: number[] = [];
  readonly holder: Holder = { tell: (granted) => void this.fromParent.push(granted) };
  readonly #asked = askPlaces((message) => void this.toParent.push(message));
  readonly #allowance: Allowance;
  active = 0;
  idle = 0;
  waiting = 0;

  constructor(most: number) {
    const connections = {
      idle: () => this.idle,
      closeIdle: (keep: number) => void (this.idle = Math.min(this.idle, keep)),
    };
    const transport = { limit: () => most, connections } as Partial<Transport> as Transport;
    this.#allowance = this.#asked.allow('host', transport, () => undefined);
  }

  /** As deliver.ts does it: begins what may begin, and looks at what it has use for. */
  look(now: number): void {
    while (this.waiting > 0 && this.active < this.#allowance.most()) {
      this.waiting--;
      this.active++;
      this.idle = Math.max(0, this.idle - 1);
    }
    this.#allowance.look({ active: this.active, waiting: () => this.waiting }, now);
  }

  end(): void {
    if (this.active === 0) return;
    this.active--;
    this.idle++;
  }

  hear(granted: number): void {
    this.#asked.hear({ kind: 'places', id: 1, granted });
  }

  get open(): number {
    return this.active + this.idle;
  }
}

function aPod(workers: number, most: number) {
  const places = createHostPlaces();
  const all = Array.from({ length: workers }, () => new FakeWorker(most));
  /** Brings one message across, if there is one. */
  const carry = (worker: FakeWorker, isUp: boolean): boolean => {
    const message = isUp ? worker.toParent.shift() : worker.fromParent.shift();
    if (message === undefined) return false;
    if (typeof message === 'number') worker.hear(message);
    else if (message.kind === 'places') places.hear(worker.holder, message.wish);
    return true;
  };
  const settle = (now: number): void => {
    for (let isBusy = true; isBusy;) {
      for (const worker of all) worker.look(now);
      isBusy = all.some((worker) => carry(worker, true) || carry(worker, false));
    }
  };
  return { places, all, carry, settle, open: () => all.reduce((sum, { open }) => sum + open, 0) };
}

describe('connections to a smart host', () => {
  test('are for one worker where only that one has mail, and divided where others have some', () => {
    const { all, settle } = aPod(3, 10);
    const [first, second, third] = all as [FakeWorker, FakeWorker, FakeWorker];
    first.waiting = 100;
    settle(0);
    assert.deepEqual(
      all.map(({ open }) => open),
      [10, 0, 0],
    );
    second.waiting = 100;
    third.waiting = 2;
    for (let i = 0; i < 10; i++) {
      first.end();
      settle(i);
    }
    assert.deepEqual(
      all.map(({ open }) => open),
      [4, 4, 2],
    );
  });

  test('that nobody uses any more are there for others a moment later', () => {
    const { all, settle } = aPod(2, 2);
    const [first, second] = all as [FakeWorker, FakeWorker];
    first.waiting = 2;
    settle(0);
    first.end();
    first.end();
    first.idle = 0;
    settle(2000);
    settle(4000);
    second.waiting = 2;
    settle(4000);
    assert.equal(second.open, 2);
  });

  test('are handed round where there are fewer than workers', () => {
    const { all, places, settle } = aPod(3, 1);
    for (const worker of all) worker.waiting = 100;
    const sent = all.map(() => 0);
    for (let i = 0; i < 12; i++) {
      settle(i * 1000);
      for (const [index, worker] of all.entries()) if (worker.active > 0) sent[index] = (sent[index] ?? 0) + 1;
      for (const worker of all) worker.end();
      places.rotate();
    }
    assert.ok(
      sent.every((count) => count >= 3),
      String(sent),
    );
  });

  test('of a worker that is gone are there for the others', () => {
    const { all, places, settle } = aPod(2, 3);
    const [first, second] = all as [FakeWorker, FakeWorker];
    first.waiting = 100;
    settle(0);
    second.waiting = 100;
    places.forget(first.holder);
    first.waiting = 0;
    settle(0);
    assert.equal(second.open, 3);
  });

  test('are never more than its owner allows, whatever is on its way between the processes, and all mail goes out', () => {
    const step = fc.record({
      worker: fc.nat(2),
      what: fc.constantFrom('mail', 'look', 'up', 'down', 'end', 'expire', 'turn'),
    });
    const history = fc.array(step, { maxLength: 300 });
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 5 }), (steps, most) => {
        const { all, places, carry, settle, open } = aPod(3, most);
        let now = 0;
        for (const { worker: index, what } of steps) {
          const worker = all[index] as FakeWorker;
          now += 300;
          if (what === 'mail') worker.waiting += 3;
          else if (what === 'look') worker.look(now);
          else if (what === 'up' || what === 'down') carry(worker, what === 'up');
          else if (what === 'end') worker.end();
          else if (what === 'expire') worker.idle = 0;
          else places.rotate();
          assert.ok(open() <= most, `${open()} of ${most} are open`);
        }
        for (let i = 0; i < 2000 && all.some(({ waiting }) => waiting > 0); i++) {
          now += 1000;
          settle(now);
          assert.ok(open() <= most, `${open()} of ${most} are open`);
          for (const worker of all) worker.end();
          places.rotate();
        }
        assert.deepEqual(
          all.map(({ waiting }) => waiting),
          [0, 0, 0],
        );
      }),
      { numRuns: 300 },
    );
  });
});
