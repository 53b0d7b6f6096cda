/**
 * Weeks in the life of a sender, by a clock of our own: what the core plans, what look-ups find in a DNS that changes, and what
 * is kept of it in a real folder. Between any two steps the process may be killed, which leaves what is on disk.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { folderOf } from '../../test/support/folder.ts';
import { createCluster, snapshotOf, verifiers } from '../../test/support/golden/cluster.ts';
import { goldenIssuer } from '../../test/support/golden/passwords.ts';
import type { Condition } from '../api/common.ts';
import { plan } from '../core/plan.ts';
import { formatTime } from '../core/time.ts';
import { openEvidence } from '../directory/evidence.ts';
import { afterLookup, evidenceSchema } from './evidence.ts';
import type { Observation } from './look-up.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const SENDER = 'lab/domain';

/** What the DNS says from this hour on. */
type Weather = readonly (readonly [fromHour: number, outcome: Observation['outcome']])[];

interface Life {
  readonly weather: Weather;
  readonly hours: number;
  /** Kills the process after these steps, counted from the start. */
  readonly kills?: readonly number[];
  /** Hours at which somebody annotates the object. */
  readonly touches?: readonly number[];
}

interface Lived {
  /** `HOUR STATUS REASON`, whenever that changes. */
  readonly told: readonly string[];
  /** Hours of the look-ups. */
  readonly looks: readonly number[];
}

const hourOf = (time: number): number => Math.round(((time - START) / HOUR) * 100) / 100;

/** @param t whose folder it is */
async function live(
  t: Parameters<typeof folderOf>[0],
  { weather, hours, kills = [], touches = [] }: Life,
): Promise<Lived> {
  const folder = await folderOf(t);
  const open = async () => (await openEvidence(folder, evidenceSchema)).evidence;
  let evidence = await open();
  let steps = 0;
  const [told, looks]: [string[], number[]] = [[], []];
  /** What a process keeps in memory is lost; what it was about to do is done by the next one, if that finds it due. */
  const survives = async (): Promise<boolean> => {
    steps += 1;
    if (!kills.includes(steps)) return true;
    evidence = await open();
    return false;
  };
  let now = START;
  while (now < START + hours * HOUR) {
    const { verified, lookup, next } = judge(now, evidence.all(), touches);
    if (!(await survives())) continue;
    const line = `${verified.status} ${verified.reason}`;
    if (told.at(-1)?.slice(told.at(-1)?.indexOf(' ')) !== ` ${line}`) told.push(`${hourOf(now)} ${line}`);
    if (Date.parse(lookup.due) > now) {
      const touch = touches.map((hour) => START + hour * HOUR).find((time) => time > now) ?? Infinity;
      now = Math.min(Date.parse(lookup.due), next ?? Infinity, touch);
      continue;
    }
    const outcome = weather.findLast(([from]) => START + from * HOUR <= now)?.[1] ?? 'absent';
    if (!(await survives())) continue;
    looks.push(hourOf(now));
    const findings = { outcome, detail: 'what was seen', time: formatTime(new Date(now)), jitter: 0.5 };
    const found = afterLookup(evidence.of(SENDER)?.dns, lookup, findings);
    if (!(await survives())) continue;
    await evidence.keep(SENDER, { dns: found });
    await survives();
    // no two look-ups within a second
    now += 1000;
  }
  return { told, looks };
}

function judge(
  now: number,
  evidence: ReturnType<typeof createCluster>['evidence'] extends Map<string, infer E> ? ReadonlyMap<string, E> : never,
  touches: readonly number[],
) {
  const cluster = createCluster();
  cluster.now = new Date(now);
  const touched = touches.filter((hour) => START + hour * HOUR <= now).length;
  const annotations = touched === 0 ? {} : { 'smtpplus.io/check-now': String(touched) };
  const meta = { namespace: 'lab', name: 'domain', uid: '1', generation: 1, labels: {}, annotations };
  const creationTimestamp = new Date(START).toISOString();
  const spec = { domain: 'shop.example' };
  cluster.objects.set(`VerifiedSender ${SENDER}`, {
    kind: 'VerifiedSender',
    meta: { ...meta, creationTimestamp },
    spec,
  });
  const snapshot = { ...snapshotOf(cluster), evidence };
  const { statuses, lookups, nextLook } = plan(snapshot, cluster.now, goldenIssuer(cluster, verifiers.of));
  const conditions: readonly Condition[] = statuses[0]?.status.conditions ?? [];
  const verified = conditions.find(({ type }) => type === 'Verified');
  const [lookup] = lookups;
  assert.ok(verified !== undefined && lookup !== undefined);
  return { verified, lookup, next: nextLook === undefined ? undefined : Date.parse(nextLook) };
}

describe('in the life of a sender', () => {
  test('a record that comes is found, one that goes is missed, revoked after the grace, and taken back', async (t) => {
    const { told } = await live(t, {
      weather: [
        [0, 'absent'],
        [5, 'found'],
        [60, 'absent'],
        [200, 'found'],
      ],
      hours: 300,
    });
    assert.deepEqual(
      told.map((line) => line.replace(/^\S+ /, '')),
      [
        'False NotLookedUp',
        'False RecordNotFound',
        'True DnsProof',
        'True RecordNotFound',
        'False Revoked',
        'True DnsProof',
      ],
    );
    const hours = told.map((line) => Number(line.split(' ')[0]));
    const [, , found = 0, lost = 0, revoked = 0, back = 0] = hours;
    assert.ok(found >= 5 && found <= 6.1, 'within an hour of its publication');
    assert.ok(lost >= 60 && lost <= 60 + 24 * 1.1, 'at the next re-check');
    assert.ok(Math.abs(revoked - lost - 72) < 0.01, `after the grace: ${lost} to ${revoked}`);
    assert.ok(back >= 200 && back <= 201.1, 'within an hour of its return');
  });

  test('a failed look-up revokes nothing, for however long', async (t) => {
    const { told } = await live(t, {
      weather: [
        [0, 'found'],
        [10, 'failed'],
      ],
      hours: 24 * 60,
    });
    assert.deepEqual(
      told.map((line) => line.replace(/^\S+ /, '')),
      ['False NotLookedUp', 'True DnsProof'],
    );
  });

  test('look-ups double from 30 seconds to an hour, come once a day after seven days, and at once when it is touched', async (t) => {
    const { told, looks } = await live(t, {
      weather: [
        [0, 'absent'],
        [300, 'found'],
      ],
      hours: 400,
      touches: [250],
    });
    const gaps = looks.slice(1).map((look, i) => Math.round((look - (looks[i] ?? 0)) * 3600));
    assert.deepEqual(
      gaps.slice(0, 8).map((gap) => Math.round(gap / 30) * 30),
      [30, 60, 120, 240, 480, 960, 1920, 3600],
    );
    assert.equal(told[2], `${told[2]?.split(' ')[0]} False ProofOverdue`);
    const overdue = Number(told[2]?.split(' ')[0]);
    assert.ok(overdue >= 168 && overdue <= 169.1, `${overdue}`);
    const daily = looks.filter((look) => look > overdue + 0.1 && look < 250);
    assert.equal(daily.length, 3, 'one a day');
    // looked for in earnest again
    assert.ok(looks.some((look) => look >= 250 && look < 250.01));
    assert.ok(told.at(-1)?.match(/^30[01](\.\d+)? True DnsProof/), told.at(-1));
  });

  test('a process that is killed between any two steps comes to the same end, at the same times', async (t) => {
    const outcome = fc.constantFrom<Observation['outcome']>('found', 'absent', 'mismatch', 'failed');
    const weather = fc
      .array(fc.tuple(fc.integer({ min: 1, max: 12 * 24 }), outcome), { maxLength: 5 })
      .map((changes): Weather => changes.concat([[0, 'absent']]).sort(([a], [b]) => a - b));
    await fc.assert(
      fc.asyncProperty(weather, fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 100 }), async (all, kills) => {
        const life = { weather: all, hours: (15 * DAY) / HOUR };
        assert.deepEqual((await live(t, { ...life, kills })).told, (await live(t, life)).told);
      }),
      { numRuns: 6 },
    );
  });
});
