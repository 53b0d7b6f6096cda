import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { classSettingsSchema } from '../../settings/settings.ts';
import type { Subject } from '../conditions.ts';
import type { RelaysFact, UpstreamFact } from '../model.ts';
import { judgeBuiltInList } from './lists.ts';
import { judgeReachable, type ReachableFacts } from './reachable.ts';
import { aClassView } from '../../../test/support/class-view.ts';

const settings = classSettingsSchema.parse({ hostname: 'smtp.example' });
const view = aClassView(settings);
const { terms } = judgeBuiltInList({
  classes: new Map([['default', view]]),
  otherInstallations: { classes: [], speaksForAll: true },
});

const told: RelaysFact = { isSilent: false, of: 3, full: [], upstreams: new Map() };
const trouble = { since: '2026-01-01T00:00:00Z', time: '2026-01-01T00:05:00Z', error: 'connect ECONNREFUSED' };
const programmed: ReachableFacts['programmed'] = {
  type: 'Programmed',
  status: 'True',
  reason: 'Programmed',
  message: '',
};

function listWith(before?: { status: string; reason: string; observedGeneration?: number }): Subject {
  const meta = { namespace: 'shop', name: 'house', uid: 'u', generation: 1, labels: {}, annotations: {} };
  const condition = { type: 'UpstreamReachable', observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z' };
  const conditions = before === undefined ? [] : [{ ...condition, message: 'as it was', ...before }];
  return { kind: 'SmtpPlusList', meta, status: { conditions } };
}

function judge(subject: Subject, facts: Partial<ReachableFacts>) {
  assert.ok(terms !== undefined);
  const { status, reason, message } = judgeReachable(subject, terms, {
    relays: told,
    upstream: undefined,
    programmed,
    ...facts,
  });
  return { says: `${status} ${reason}`, message };
}

const failing = (...relays: string[]): UpstreamFact => ({ failing: relays, of: 3, trouble });
const wasReached = { status: 'True', reason: 'Reachable' };
const wasNot = { status: 'False', reason: 'UpstreamUnreachable' };

describe('whether the upstream of a list is reachable', () => {
  test('is unknown while no relay has had mail of it', () => {
    assert.equal(judge(listWith(), {}).says, 'Unknown NotTried');
  });

  test('is as relays tell, which may disagree: then it is said which of how many', () => {
    assert.equal(judge(listWith(wasNot), { upstream: { failing: [], of: 3 } }).says, 'True Reachable');
    const { says, message } = judge(listWith(wasReached), { upstream: failing('relay-0', 'relay-2') });
    assert.equal(says, 'False UpstreamUnreachable');
    assert.match(message, /from 2 of 3 relays \(relay-0, relay-2\) since 2026-01-01T00:00:00Z\./);
    assert.match(message, /Last error, at 2026-01-01T00:05:00Z: connect ECONNREFUSED$/);
  });

  test('names a few of many relays', () => {
    const many = Array.from({ length: 50 }, (_, i) => `relay-${i}`);
    const { message } = judge(listWith(), { upstream: { failing: many, of: 60, trouble } });
    assert.match(message, /from 50 of 60 relays \(relay-0, relay-1, relay-2 and 47 more\)/);
  });

  test('stays true where nothing is heard of it any more, and is not false for ever', () => {
    assert.equal(judge(listWith(wasReached), {}).says, 'True Reachable');
    assert.equal(judge(listWith(wasNot), {}).says, 'Unknown NotTried');
  });

  test('is unknown of a list that has changed, until its mail is tried again', () => {
    assert.equal(judge(listWith({ ...wasReached, observedGeneration: 0 }), {}).says, 'Unknown NotTried');
  });

  test('is not what relays tell that do not run the list as it is now', () => {
    const lagging = { ...programmed, status: 'False', reason: 'RelaysLagging' } as const;
    const changed = listWith({ ...wasReached, observedGeneration: 0 });
    assert.equal(judge(changed, { programmed: lagging, upstream: { failing: [], of: 3 } }).says, 'Unknown NotTried');
  });

  test('stays as it was until relays can be asked by an operator that has just started', () => {
    const notAsked = { relays: undefined };
    assert.equal(judge(listWith(wasReached), notAsked).says, 'True Reachable');
    const { says, message } = judge(listWith(wasNot), notAsked);
    assert.deepEqual([says, message], ['False UpstreamUnreachable', 'as it was']);
    assert.equal(judge(listWith(), notAsked).says, 'Unknown NotReported');
    assert.equal(judge(listWith({ ...wasNot, observedGeneration: 0 }), notAsked).says, 'Unknown NotReported');
  });

  test('is unknown while no relay is ready, or none answers', () => {
    const unserved = { ...programmed, status: 'False', reason: 'NoRelayReady', message: 'None.' } as const;
    assert.deepEqual(judge(listWith(wasReached), { programmed: unserved }), {
      says: 'Unknown NoRelayReady',
      message: 'None.',
    });
    const silent: RelaysFact = { isSilent: true, of: 0, full: [], upstreams: new Map() };
    assert.equal(judge(listWith(wasReached), { relays: silent }).says, 'Unknown NotReported');
  });
});
