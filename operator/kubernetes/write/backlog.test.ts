import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Condition } from '../../api/common.ts';
import type { UserPlan } from '../../core/users/user-plan.ts';
import type { Caches } from '../cache/caches.ts';
import { viewObject, type KnownObject } from '../cache/views.ts';
import type { ApiAnswer } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import type { KubeObject } from '../client/resources.ts';
import { createWriteBacklog } from './backlog.ts';
import { createContested } from './contested.ts';
import { startCrdFit } from './crd-fit.ts';
import { createOwnStatus } from './status.ts';

const META = { namespace: 'shop', name: 'a', uid: 'u', generation: 1, labels: {}, annotations: {} };
const KEY = 'shop/a';

function planAt(seconds: number, reason: string): UserPlan {
  const lastTransitionTime = `2026-01-01T00:00:0${seconds}Z`;
  const condition: Condition = { type: 'Ready', status: 'False', reason, message: '', lastTransitionTime };
  return { meta: META, status: { conditions: [condition] }, fields: undefined, until: undefined, events: [] };
}

/** An API server that answers a write when it is told to, and the caches of an operator. */
function start(t: TestContext) {
  const written: unknown[] = [];
  const asked = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const answers = asked.map(() => Promise.withResolvers<'ok' | 'failed'>());
  const client = {
    request: async ({ body }: { readonly body: { readonly status: object } }): Promise<ApiAnswer<KubeObject>> => {
      const count = written.push(body.status) - 1;
      asked[count]?.resolve();
      if ((await answers[count]?.promise) === 'failed') throw new Error('no connection');
      const metadata = { ...META, resourceVersion: String(count + 2) };
      return { ok: true, status: 200, body: { metadata, spec: {}, status: body.status } as unknown as KubeObject };
    },
  } as unknown as KubeClient;
  let known: KnownObject = viewObject('SmtpPlusUser', {
    metadata: { ...META, resourceVersion: '1' },
  } as unknown as KubeObject);
  const cache = {
    get: (key: string) => (key === KEY ? known : undefined),
    observe: (object: KubeObject) => {
      known = viewObject('SmtpPlusUser', object, known);
    },
  };
  const caches = { objects: { SmtpPlusUser: cache }, secrets: { get: () => undefined } } as unknown as Caches;
  const nothing = (): void => undefined;
  const outdated: string[] = [];
  const turns = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let turn = 0;
  const backlog = createWriteBacklog({
    client,
    caches,
    fit: startCrdFit(client, { record: nothing, onFits: nothing, onTrouble: nothing, signal: t.signal }),
    record: nothing,
    onWrite: nothing,
    ownStatus: createOwnStatus(),
    contested: createContested(nothing),
    endpoints: { isDone: () => true, write: async () => 'done' },
    lookAtSecret: async () => undefined,
    isEarly: () => false,
    onSecretTrouble: nothing,
    onRetry: nothing,
    onOutdated: (object) => void outdated.push(object),
    onDone: () => {
      turns[turn]?.resolve();
      turn += 1;
    },
  });
  t.after(() => backlog.close());
  const publish = (plan: UserPlan | undefined): void =>
    backlog.publish({ users: new Map([[KEY, plan]]), lists: new Map(), senders: new Map(), secrets: new Map() });
  return {
    publish,
    written,
    outdated,
    firstTurn: turns[0]?.promise,
    secondTurn: turns[1]?.promise,
    asked: asked.map(({ promise }) => promise),
    answers,
    backlog,
  };
}

describe('an object that is planned while it is being written', () => {
  test('is planned again after the write, and what was planned meanwhile is not written', async (t) => {
    const { publish, written, firstTurn, outdated, asked, answers } = start(t);
    publish(planAt(1, 'First'));
    await asked[0];
    publish(planAt(2, 'Meanwhile'));
    answers[0]?.resolve('ok');
    await firstTurn;
    assert.deepEqual(outdated, ['SmtpPlusUser shop/a']);
    publish(planAt(3, 'Last'));
    await asked[1];
    assert.deepEqual(written, [planAt(1, 'First').status, planAt(3, 'Last').status]);
    answers[1]?.resolve('ok');
  });

  test('is left alone where the later plan says the same, though as of another time', async (t) => {
    const { publish, written, firstTurn, outdated, asked, answers, backlog } = start(t);
    publish(planAt(1, 'First'));
    await asked[0];
    publish(planAt(2, 'First'));
    answers[0]?.resolve('ok');
    await firstTurn;
    assert.deepEqual(outdated, []);
    publish(planAt(2, 'First'));
    assert.deepEqual(written, [planAt(1, 'First').status]);
    assert.equal(backlog.isIdle(), true);
  });

  test('is written as it was planned last, and not as before, where the write has failed', async (t) => {
    const { publish, written, firstTurn, outdated, asked, answers } = start(t);
    publish(planAt(1, 'First'));
    await asked[0];
    publish(planAt(2, 'Meanwhile'));
    answers[0]?.resolve('failed');
    await firstTurn;
    assert.deepEqual(outdated, ['SmtpPlusUser shop/a']);
    publish(planAt(3, 'Last'));
    await asked[1];
    answers[1]?.resolve('ok');
    assert.deepEqual(written, [planAt(1, 'First').status, planAt(3, 'Last').status]);
  });

  test('is not written as it was planned before, even where it is not planned again before the retry', async (t) => {
    const { publish, written, secondTurn, asked, answers } = start(t);
    publish(planAt(1, 'First'));
    await asked[0];
    publish(planAt(2, 'Meanwhile'));
    answers[0]?.resolve('failed');
    answers[1]?.resolve('ok');
    // the retry after the failure
    await secondTurn;
    assert.equal(written.length, 1);
  });
});
