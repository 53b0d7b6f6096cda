/** What the status of an object comes to, for somebody who wants to know whether it works. */
import { asRecord, textAt } from '../api/plain-data.ts';
import type { SeenObject } from './source.ts';

export interface ObjectVerdict {
  /** Undefined: nobody knows yet. */
  readonly isReady: boolean | undefined;
  readonly reason: string;
  /** Why, and what to do. */
  readonly message: string;
}

export interface SeenCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export function verdictOf(object: SeenObject): ObjectVerdict {
  if (object.unreadable !== undefined) return { isReady: undefined, reason: 'Unreadable', message: object.unreadable };
  const ready = seenConditionOf(object, 'Ready');
  if (ready === undefined) {
    const message = 'Nothing is known of it yet. If that lasts, no operator or process is at work on it.';
    return { isReady: undefined, reason: 'NotSeenYet', message };
  }
  const { observedGeneration } = object.status;
  if (typeof observedGeneration === 'number' && observedGeneration < (object.generation ?? 0)) {
    const message = `It was changed a moment ago, and nobody has looked at the change yet. Before: ${ready.message}`;
    return { isReady: undefined, reason: 'NotSeenYet', message };
  }
  return { isReady: ready.status === 'True', reason: ready.reason, message: ready.message };
}

export function seenConditionOf({ status }: SeenObject, type: string): SeenCondition | undefined {
  const { conditions } = status;
  if (!Array.isArray(conditions)) return undefined;
  const found = conditions.map(asRecord).find((one) => one['type'] === type);
  if (found === undefined) return undefined;
  const text = (field: string): string => textAt(found, field) ?? '';
  return { type, status: text('status'), reason: text('reason'), message: text('message') };
}

/** Conditions that are worth knowing when they are `True`, of an object that is ready. */
const NOTICES = ['NotAsWritten', 'Expiring', 'QuotaNearlyUsed', 'Unused', 'Paused'] as const;
/** And when they are `False`. */
const ADVICE = ['Aligned', 'Signing', 'UpstreamReachable'] as const;

export function noticesOf(object: SeenObject): readonly SeenCondition[] {
  const wanted = [...NOTICES.map((type) => [type, 'True'] as const), ...ADVICE.map((type) => [type, 'False'] as const)];
  return wanted.flatMap(([type, status]) => {
    const condition = seenConditionOf(object, type);
    return condition?.status === status ? [condition] : [];
  });
}

/** Why a user cannot send. Undefined: it can. Of one that is ready because nobody wants it to send, `Active` says why. */
export function whyNot(user: SeenObject): { readonly reason: string; readonly message: string } | undefined {
  const verdict = verdictOf(user);
  if (verdict.isReady !== true) return verdict;
  const active = seenConditionOf(user, 'Active');
  return active === undefined || active.status === 'True' ? undefined : active;
}

/** For `-o json`. */
export function asJson(object: SeenObject): object {
  const { kind, namespace, name, status } = object;
  const { isReady, reason, message } = verdictOf(object);
  return { kind, namespace, name, ready: isReady ?? null, reason, message, status };
}
