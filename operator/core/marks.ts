/** What is to be looked at again in one namespace. A mark does not say what has happened, only "look". */

export interface Marks {
  /** Its lists and senders. */
  judge: boolean;
  /** What its users may send as: its own rules, or those that others share. */
  rules: boolean;
  /** Users (`NAMESPACE/NAME`) whose references are to be read anew. */
  readonly references: Set<string>;
  readonly users: Set<string>;
  readonly lists: Set<string>;
  readonly senders: Set<string>;
  /** Secrets that may be ours, and not wanted any more. */
  readonly secrets: Set<string>;
}

/** For a namespace that nothing is known about yet. */
export function createMarks(): Marks {
  return {
    judge: true,
    rules: true,
    references: new Set(),
    users: new Set(),
    lists: new Set(),
    senders: new Set(),
    secrets: new Set(),
  };
}

/** Whether something waits that others may see: it comes before any user is planned. */
export function isToJudge({ judge, references }: Marks): boolean {
  return judge || references.size > 0;
}

export function isToPlan({ rules, users, lists, senders, secrets }: Marks): boolean {
  return rules || [users, lists, senders, secrets].some(({ size }) => size > 0);
}

/** Takes the first `most` out of a set. */
export function* takeSome(set: Set<string>, most = Infinity): Generator<string> {
  let left = most;
  for (const one of set) {
    if (left-- <= 0) return;
    set.delete(one);
    yield one;
  }
}
