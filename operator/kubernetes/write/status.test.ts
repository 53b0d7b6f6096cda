import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StatusPlan } from '../../core/model.ts';
import { knownStatus } from '../cache/known-status.ts';
import type { ApiAnswer } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { startCrdFit } from './crd-fit.ts';
import { applyStatus, isStatusApplied } from './status.ts';

const meta = { namespace: 'shop', name: 'a', uid: '1', generation: 1, labels: {}, annotations: {} };
const conditions = [
  { type: 'Ready', status: 'True', reason: 'Ready', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
] as const;
const plan: StatusPlan = {
  kind: 'SmtpPlusUser',
  meta,
  status: {
    observedGeneration: 1,
    conditions: [...conditions],
    senders: [{ sender: '@a.example', state: 'Verified' }],
  },
};
const INVALID =
  'SmtpPlusUser.smtpplus.io "a" is invalid: [status.senders[0].state: Unsupported value: "Verified": supported values: "Other", <nil>: Invalid value: "null": some validation rules were not checked]';

/** An API server that refuses a status while it says something else than `objection` allows. */
function start(t: { readonly signal: AbortSignal }, objection: (status: object) => string | undefined) {
  const troubles: string[] = [];
  const written: unknown[] = [];
  const client = {
    request: async ({ body }: { readonly body: unknown }): Promise<ApiAnswer<unknown>> => {
      const status = (Array.isArray(body) ? body[2].value : (body as { readonly status: unknown }).status) as object;
      const message = objection(status);
      if (message !== undefined) return { ok: false, status: 422, message } as ApiAnswer<unknown>;
      written.push(status);
      return { ok: true, status: 200, body: { metadata: { ...meta, resourceVersion: '2' }, status } } as never;
    },
  } as unknown as KubeClient;
  const nothing = (): void => undefined;
  const fit = startCrdFit(client, {
    record: nothing,
    onFits: nothing,
    onTrouble: (message) => troubles.push(message),
    signal: t.signal,
  });
  return { client, fit, troubles, written };
}

describe('a status that the API server answers 422 to', () => {
  test('is written without the fields whose values the CRD does not list, and is then as near as can be', async (t) => {
    const { client, fit, troubles, written } = start(t, (status) => ('senders' in status ? INVALID : undefined));
    await applyStatus(client, plan, { resourceVersion: '1' }, fit);
    const { senders: _, ...rest } = plan.status as Record<string, unknown>;
    assert.deepEqual(written, [rest]);
    assert.equal(isStatusApplied(plan, knownStatus(rest), fit), true);
    assert.equal(troubles.length, 1);
    assert.match(troubles[0] ?? '', /^the CRD of SmtpPlusUser is of another version .*Unsupported value/);
  });

  test('is a fault to be tried again where an admission policy says no, or where no field is named', async (t) => {
    for (const message of [
      '"a" is forbidden: ValidatingAdmissionPolicy x denied: status.senders',
      '"a" is invalid: ?',
    ]) {
      const { client, fit, troubles } = start(t, () => message);
      await assert.rejects(applyStatus(client, plan, { resourceVersion: '1' }, fit), /cannot be written: 422/);
      assert.deepEqual(troubles, []);
    }
  });

  test('ends when nothing is left that could be left out', { timeout: 60_000 }, async (t) => {
    const { client, fit } = start(t, () => INVALID);
    await assert.rejects(applyStatus(client, plan, { resourceVersion: '1' }, fit), /cannot be written: 422/);
  });
});
