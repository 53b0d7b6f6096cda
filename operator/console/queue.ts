/** What waits, by the smart host that it waits for, and what that host said last. */
import { html } from '../page/html.ts';
import type { Facts } from './facts.ts';
import { namespaceForm, type Page } from './layout.ts';
import { badge, table, time } from './parts.ts';

const LISTS_SHOWN = 5;

export function queuePage(facts: Facts): Page {
  const { oldestTime, smartHosts } = facts.queue;
  const rows = smartHosts.map(({ name, lists, trouble }) => [
    name,
    trouble === undefined ? badge('good', 'takes mail') : badge('bad', 'takes none'),
    String(Object.values(lists).reduce((sum, messages) => sum + messages, 0)),
    listsOf(lists),
    trouble?.error ?? '',
    trouble === undefined ? '' : html`${time(trouble.since)}, last tried ${time(trouble.time)}`,
  ]);
  return {
    title: 'Queue',
    part: 'queue',
    isLive: true,
    content: html`
      ${namespaceForm(facts, '/queue')}
      ${oldestTime !== undefined && html`<p>The oldest message that waits came in ${time(oldestTime)}.</p>`}
      ${table('Smart hosts', {
        head: ['Smart host', 'State', 'Messages waiting', 'Of lists', 'Last error', 'Since'],
        rows,
        none: 'Nothing waits, and no smart host has been tried yet.',
      })}
    `,
  };
}

function listsOf(lists: Readonly<Record<string, number>>): string {
  const all = Object.entries(lists).sort(([, a], [, b]) => b - a);
  const shown = all.slice(0, LISTS_SHOWN).map(([list, messages]) => (messages > 0 ? `${list} (${messages})` : list));
  return [...shown, ...(all.length > LISTS_SHOWN ? [`and ${all.length - LISTS_SHOWN} more`] : [])].join(', ');
}
