/** Faults of our own: an object that judging fails on says so in its status, and all others are planned. */
import type { Judgement } from './conditions.ts';
import type { Kind, ObjectMeta } from './model.ts';

/** A verdict that failed, for the log. */
export interface Fault {
  readonly kind: Kind;
  readonly meta: ObjectMeta;
  readonly error: unknown;
}

/** Runs a verdict on one object; where that throws, notes the fault and returns what `otherwise` gives. */
export function guarded<Verdict>(
  object: { readonly kind: Kind; readonly meta: ObjectMeta },
  faults: Fault[],
  judge: () => Verdict,
  otherwise: () => Verdict,
): Verdict {
  try {
    return judge();
  } catch (error) {
    faults.push({ kind: object.kind, meta: object.meta, error });
    return otherwise();
  }
}

export function internalError(type: string): Judgement {
  const message =
    'The operator failed on this object because of a bug; its log has the details. What was in force for the object stays in force. Please report it.';
  return { type, status: 'False', reason: 'InternalError', message };
}
