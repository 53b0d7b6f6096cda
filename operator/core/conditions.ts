/** Turns judgements into conditions, by the rules that `kubectl wait`, kstatus and Argo CD read them by. */
import { z } from 'zod';
import { condition, type Condition } from '../api/common.ts';
import type { Path } from '../api/path.ts';
import type { FaultEffect, RawObject } from './model.ts';
import { isPassing, isStalled, type ConditionReason } from './reasons.ts';
import { formatTime } from './time.ts';

/** What is to be said in one condition. */
export interface Judgement {
  readonly type: string;
  readonly status: Condition['status'];
  readonly reason: ConditionReason;
  readonly message: string;
  /** The field that it is about, where it is about one. */
  readonly field?: Path;
}

/** Fields of an object that its conditions are about, by type of the condition. */
export type Fields = ReadonlyMap<string, Path>;

/** For `check`, which points at them in files; undefined where there are none, as mostly. */
export function fieldsOf(judgements: readonly Judgement[]): Fields | undefined {
  const fields = judgements.flatMap(({ type, field }) => (field === undefined ? [] : [[type, field] as const]));
  return fields.length === 0 ? undefined : new Map(fields);
}

/** The object that conditions and Events are about. Its status says when things changed, and decides nothing. */
export type Subject = Pick<RawObject, 'kind' | 'meta' | 'faults' | 'status'>;

/** The conditions of a status: the judgements in their order, `Ready`, and `Reconciling` or `Stalled` where true. */
export function conditionsOf(
  subject: Subject,
  judgements: readonly Judgement[],
  ready: Judgement,
  now: Date,
): Condition[] {
  const { reason, message } = ready;
  const all = [...judgements, ready];
  if (ready.status !== 'True' && isPassing(reason)) {
    all.push({ type: 'Reconciling', status: 'True', reason, message });
  }
  if (ready.status !== 'True' && isStalled(reason)) all.push({ type: 'Stalled', status: 'True', reason, message });
  all.push(...notAsWritten(subject));
  const before = previousConditions(subject);
  return all.map(({ type, status, reason, message }) => {
    const old = before.get(type);
    const since = old?.status === status ? old.lastTransitionTime : formatTime(now);
    const observedGeneration = subject.meta.generation;
    return { type, status, observedGeneration, lastTransitionTime: since, reason, message };
  });
}

/** `Ready`: the first judgement that objects, or `otherwise`. */
export function readiness(
  objections: readonly Judgement[],
  otherwise: { readonly reason: ConditionReason; readonly message: string },
): Judgement {
  const first = objections.find(({ status }) => status !== 'True');
  if (first === undefined) return { type: 'Ready', status: 'True', ...otherwise };
  return { ...first, type: 'Ready' };
}

/** The judgement, with one more thing that people must be told. */
export function withNote(judgement: Judgement, note: string): Judgement {
  return note === '' ? judgement : { ...judgement, message: `${judgement.message} ${note}` };
}

/** `Ready` says that the wish is fulfilled: not where what is written is not in force. */
export function readyAsWritten({ faults }: Subject, ready: Judgement): Judgement {
  switch (faults?.effect) {
    case 'warned':
      return withNote(ready, faults.message);
    case 'kept':
      return { type: 'Ready', status: 'False', reason: 'InvalidManifest', message: faults.message };
    case 'unread':
    case 'refused':
    case undefined:
      return ready;
  }
}

const FAULT_REASONS: Readonly<Record<FaultEffect, ConditionReason>> = {
  warned: 'UnknownField',
  kept: 'InvalidManifest',
  unread: 'UnreadableFile',
  refused: 'InvalidManifest',
};

/** A condition for what no API server would have let in, or would have dropped without a word. */
function notAsWritten({ faults }: Subject): Judgement[] {
  if (faults === undefined) return [];
  return [{ type: 'NotAsWritten', status: 'True', reason: FAULT_REASONS[faults.effect], message: faults.message }];
}

const statusWithConditions = z.object({ conditions: z.array(z.unknown()) });

/** The conditions as last written, as far as they are well-formed: for times of transition and for Events only. */
export function previousConditions({ status }: Subject): ReadonlyMap<string, Condition> {
  const known = statusWithConditions.safeParse(status);
  const parsed = (known.data?.conditions ?? []).map((one) => condition.safeParse(one));
  return new Map(parsed.flatMap(({ data }) => (data === undefined ? [] : [[data.type, data]])));
}
