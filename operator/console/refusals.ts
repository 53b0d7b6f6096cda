/** What was refused in the last hour, by reason, with what to do about it. */
import type { Reason } from '../../relay/reason.ts';
import { remedies } from '../../relay/remedies.ts';
import { html, type Html } from '../page/html.ts';
import type { Facts, Refusals } from './facts.ts';
import { namespaceForm, type Page } from './layout.ts';
import { code, link, objectPath, table, time } from './parts.ts';

const USERS_SHOWN = 5;

interface Total {
  readonly reason: string;
  readonly count: number;
  /** Those with most first. */
  readonly users: readonly (readonly [string, number])[];
}

/**
 * What of the refusals somebody may see.
 *
 * @param isSeen whether the users of this namespace are shown
 * @param isWhole everything is shown: also what concerns no user
 */
export function refusalsFor(
  refusals: Refusals | undefined,
  isSeen: (namespace: string) => boolean,
  isWhole: boolean,
): Refusals | undefined {
  if (refusals === undefined) return undefined;
  const users = Object.entries(refusals.users).filter(([user]) => isSeen(user.slice(0, user.indexOf('/'))));
  return {
    since: refusals.since,
    users: Object.fromEntries(users),
    nobody: isWhole ? refusals.nobody : undefined,
  };
}

export function totalsOf(refusals: Refusals | undefined): readonly Total[] {
  if (refusals === undefined) return [];
  const byReason = new Map<string, { count: number; users: [string, number][] }>();
  const add = (reason: string, count: number): { users: [string, number][] } => {
    const total = byReason.get(reason) ?? { count: 0, users: [] };
    byReason.set(reason, total);
    total.count += count;
    return total;
  };
  for (const [user, counts] of Object.entries(refusals.users)) {
    for (const [reason, count] of Object.entries(counts)) add(reason, count).users.push([user, count]);
  }
  for (const [reason, count] of Object.entries(refusals.nobody ?? {})) add(reason, count);
  return [...byReason]
    .map(([reason, { count, users }]) => ({ reason, count, users: users.sort(([, a], [, b]) => b - a) }))
    .sort((a, b) => b.count - a.count);
}

export function refusalsPage(facts: Facts): Page {
  const { refusals } = facts;
  const rows = totalsOf(refusals).map(({ reason, count, users }) => [
    code(reason),
    String(count),
    whose(users),
    remedies[reason as Reason] ?? '',
  ]);
  return {
    title: 'Refusals of the last hour',
    part: 'refusals',
    isLive: true,
    content: html`
      ${namespaceForm(facts, '/refusals')}
      ${
        refusals === undefined
          ? html`<p>The relays have not been heard yet.</p>`
          : html`<p>Counted since ${time(refusals.since)}.</p>`
      }
      ${table('Refusals by reason', {
        head: ['Reason', 'How often', 'Users', 'What to do'],
        rows,
        none: 'Nothing was refused.',
      })}
    `,
  };
}

function whose(users: Total['users']): Html {
  if (users.length === 0) return 'somebody who is not known';
  const more = users.length - USERS_SHOWN;
  return html`
    ${users.slice(0, USERS_SHOWN).map(([user, count]) => {
      const [namespace = '', name = ''] = user.split('/');
      return html`<span class="item">${link(objectPath('users', { namespace, name }), user)} (${count})</span>`;
    })}
    ${more > 0 && `and ${more} more`}
  `;
}
