/** What one looks at first: what does not work, and how much of everything there is. */
import { html, type Html } from '../page/html.ts';
import { namespaceForm, type Page } from './layout.ts';
import type { Facts, ShownObject } from './facts.ts';
import { conditionOf, count, facts as factList, link, objectPath, table } from './parts.ts';
import { totalsOf } from './refusals.ts';

/** A page that lists a thousand troubles helps nobody. */
const TROUBLES_MAX = 50;

export function overviewPage(facts: Facts): Page {
  const { users, lists, senders, queue } = facts;
  const active = users.filter(({ status }) => conditionOf(status, 'Active')?.status === 'True').length;
  const waiting = queue.smartHosts.flatMap((host) => Object.values(host.lists)).reduce((sum, one) => sum + one, 0);
  const refused = totalsOf(facts.refusals).reduce((sum, row) => sum + row.count, 0);
  return {
    title: 'Overview',
    part: 'overview',
    isLive: true,
    content: html`
      ${namespaceForm(facts, '/')}
      ${factList([
        ['Users', link('/users', `${count(users.length, 'user')}, ${active} of them active`)],
        ['Lists', link('/lists', count(lists.length, 'list'))],
        ['Senders', link('/senders', count(senders.length, 'sender'))],
        ['Refused in the last hour', link('/refusals', String(refused))],
        ['Waiting to be sent', link('/queue', count(waiting, 'message'))],
      ])}
      <h2>What does not work</h2>
      ${troubles(facts)}
    `,
  };
}

function troubles({ users, lists, senders, queue }: Facts): Html {
  const rows = [
    ...unready('lists', 'List', lists),
    ...unready('senders', 'Sender', senders),
    ...unready('users', 'User', users),
    ...queue.smartHosts.flatMap(({ name, trouble }) =>
      trouble === undefined ? [] : [[link('/queue', `Smart host ${name}`), 'UpstreamUnreachable', trouble.error]],
    ),
  ];
  const shown = table('Objects that are not ready, and why', {
    head: ['Object', 'Reason', 'What is missing'],
    rows: rows.slice(0, TROUBLES_MAX),
    none: 'Everything is ready.',
  });
  const more = rows.length - TROUBLES_MAX;
  return more > 0
    ? html`${shown}
        <p>And ${more} more; the pages of lists, senders and users have them all.</p>`
    : shown;
}

function unready(
  page: string,
  kind: string,
  objects: readonly ShownObject<Parameters<typeof conditionOf>[0]>[],
): Html[][] {
  return objects.flatMap((object) => {
    const ready = conditionOf(object.status, 'Ready');
    if (ready?.status === 'True') return [];
    const name = `${kind} ${object.namespace}/${object.name}`;
    return [[link(objectPath(page, object), name), ready?.reason ?? 'not looked at yet', ready?.message ?? '']];
  });
}
