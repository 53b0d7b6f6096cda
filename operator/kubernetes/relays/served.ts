/**
 * Whom the relays of each class serve. What a relay tells of use counts for those alone: a relay that somebody has broken
 * into must not use up quotas, or pause users, of other classes.
 */
import type { UsageReport } from '../../../relay/observe/usage-report.ts';
import type { Planner } from '../../core/planner-state.ts';

export interface Served {
  /** Brings it up to the plans of this moment. */
  readonly look: () => void;
  /** Lists and users that relays may tell something of, by kind and key. */
  readonly objects: () => Iterable<string>;
  /** What of a report a relay of this class may tell. */
  readonly within: (className: string, report: UsageReport) => UsageReport;
}

export interface ServedOptions {
  readonly planner: () => Planner | undefined;
  /** Whether there still is such an object. */
  readonly exists: (kind: 'SmtpPlusList' | 'SmtpPlusUser', key: string) => boolean;
}

type Classes = Map<string, Set<string>>;

export function createServed({ planner, exists }: ServedOptions): Served {
  // former classes stay until the operator ends: their relays have counted for a user who has moved, whose quota is no larger for it
  const lists: Classes = new Map();
  const users: Classes = new Map();

  return {
    look: () => {
      for (const key of lists.keys()) if (!exists('SmtpPlusList', key)) lists.delete(key);
      for (const key of users.keys()) if (!exists('SmtpPlusUser', key)) users.delete(key);
      const { relays } = planner() ?? {};
      for (const [key, className] of relays?.lists ?? []) add(lists, key, [className]);
      for (const [key, { entry, unusable }] of relays?.users ?? []) {
        add(users, key, entry === undefined ? (unusable?.classNames ?? []) : [entry.className]);
      }
    },
    objects: function* () {
      for (const key of lists.keys()) yield `SmtpPlusList ${key}`;
      for (const key of users.keys()) yield `SmtpPlusUser ${key}`;
    },
    within: (className, report) => ({
      ...report,
      lists: servedBy(className, lists, report.lists),
      users: servedBy(className, users, report.users),
    }),
  };
}

function add(classes: Classes, key: string, classNames: readonly string[]): void {
  const known = classes.get(key) ?? new Set();
  classes.set(key, known);
  for (const className of classNames) known.add(className);
}

function servedBy<T>(className: string, classes: Classes, told: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(told).filter(([key]) => classes.get(key)?.has(className) === true));
}
