/** Lists: what a group of users shares. */
import type { ListStatus } from '../api/list.ts';
import { html } from '../page/html.ts';
import type { Facts, ShownObject } from './facts.ts';
import { namespaceForm, type Page } from './layout.ts';
import { code, conditionOf, conditionsTable, facts as factList, link, objectPath, table, verdict } from './parts.ts';

export function listsPage(facts: Facts): Page {
  const rows = facts.lists.map((list) => {
    const { status } = list;
    return [
      link(objectPath('lists', list), `${list.namespace}/${list.name}`),
      verdict(status, 'Ready'),
      status.users === undefined ? '' : `${status.users.active} of ${status.users.total}`,
      verdict(status, 'UpstreamReachable'),
      status.traffic === undefined ? '' : String(status.traffic.accepted),
      conditionOf(status, 'Ready')?.status === 'True' ? '' : (conditionOf(status, 'Ready')?.message ?? ''),
    ];
  });
  const head = ['List', 'Ready', 'Active users', 'Smart host takes mail', 'Accepted in 24 hours', 'What is missing'];
  return {
    title: 'Lists',
    part: 'lists',
    isLive: true,
    content: html`
      ${namespaceForm(facts, '/lists')}
      ${table('Lists', { head, rows, none: 'No lists: users without one belong to the built-in list.' })}
    `,
  };
}

export function listPage({ namespace, name, status }: ShownObject<ListStatus>): Page {
  const { endpoint, users, traffic } = status;
  return {
    title: `List ${namespace}/${name}`,
    part: 'lists',
    isLive: true,
    content: html`
      ${factList([
        ['Server', endpoint && code(endpoint.host)],
        ['Ports with STARTTLS', endpoint?.ports.join(', ')],
        ['Ports with TLS from the start', endpoint?.implicitTlsPorts.join(', ')],
        ['Users', users && `${users.total}, ${users.active} of them active`],
        ['Accepted in 24 hours', traffic && `${traffic.accepted} messages to ${traffic.recipients} recipients`],
        ['Delivered, bounced, put off', traffic && `${traffic.delivered}, ${traffic.bounced}, ${traffic.deferred}`],
        ['Refused', traffic && String(traffic.refused)],
      ])}
      ${conditionsTable(status)}
    `,
  };
}
