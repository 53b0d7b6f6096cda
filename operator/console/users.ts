/** Users: who may send, and what is missing; and one user, in the form in which one types it into a mail client. */
import type { UserStatus } from '../api/user.ts';
import { html, type Html } from '../page/html.ts';
import type { Facts, ShownObject } from './facts.ts';
import { namespaceForm, type Page } from './layout.ts';
import {
  code,
  conditionOf,
  conditionsTable,
  facts as factList,
  link,
  objectPath,
  size,
  table,
  time,
  verdict,
} from './parts.ts';

const SENDERS_SHOWN = 3;

type User = ShownObject<UserStatus>;

export function usersPage(facts: Facts): Page {
  const rows = facts.users.map((user) => [
    link(objectPath('users', user), `${user.namespace}/${user.name}`),
    code(user.status.username ?? ''),
    user.status.list ?? '',
    verdict(user.status, 'Active'),
    missing(user),
    senders(user),
    time(user.status.lastUsedTime) ?? 'never',
  ]);
  const head = ['User', 'Log-in name', 'List', 'Active', 'What is missing', 'May send as', 'Last used'];
  return {
    title: 'Users',
    part: 'users',
    isLive: true,
    content: html`
      ${namespaceForm(facts, '/users')} ${table('Users', { head, rows, none: 'No users yet: add a SmtpPlusUser.' })}
    `,
  };
}

function missing({ status }: User): Html {
  const ready = conditionOf(status, 'Ready');
  return ready?.status === 'True' ? '' : (ready?.message ?? '');
}

function senders({ status: { senders = [] } }: User): Html {
  const verified = senders.filter(({ state }) => state === 'Verified').map(({ sender }) => sender);
  const shown = verified.slice(0, SENDERS_SHOWN).join(', ');
  const more = verified.length - SENDERS_SHOWN;
  return verified.length === 0 ? 'nothing yet' : `${shown}${more > 0 ? ` and ${more} more` : ''}`;
}

export function userPage(user: User): Page {
  const { namespace, name, status } = user;
  return {
    title: `User ${namespace}/${name}`,
    part: 'users',
    isLive: true,
    content: html`
      <p>Active: ${verdict(status, 'Active')} ${missing(user)}</p>
      <h2>What to type into a mail client</h2>
      ${clientSettings(user)}
      <h2>What it may send as</h2>
      ${table('Senders of this user', {
        head: ['Sender', 'State', 'Proven by', 'What is missing'],
        rows: (status.senders ?? []).map(({ sender, state, verifiedBy, message }) => [
          code(sender),
          state,
          verifiedBy ?? '',
          message ?? '',
        ]),
        none: 'Nothing yet: no sender is verified for this namespace.',
      })}
      <h2>The last 24 hours</h2>
      ${traffic(user)}
      <h2>Details</h2>
      ${conditionsTable(status)}
    `,
  };
}

function clientSettings({ namespace, status: { server, username, secretRef } }: User): Html {
  if (server === undefined) return html`<p>There is no server for it yet; the conditions below say why.</p>`;
  const { host, ports, implicitTlsPorts, starttls } = server;
  const others = (list: readonly number[]): string => (list.length > 1 ? ` (or ${list.slice(1).join(', ')})` : '');
  const plain = ports[0] === undefined ? undefined : `${ports[0]}${others(ports)}`;
  const implicit = implicitTlsPorts[0] === undefined ? undefined : `${implicitTlsPorts[0]}${others(implicitTlsPorts)}`;
  return factList([
    ['Server', code(host)],
    ['Port with STARTTLS', plain],
    ['Encryption there', plain && (starttls === 'Required' ? 'STARTTLS, required' : 'STARTTLS, optional')],
    ['Port with TLS from the start (SSL/TLS)', implicit],
    ['Log-in', 'normal password'],
    ['User name', code(username ?? '')],
    [
      'Password',
      secretRef && html`key ${code('password')} of the Secret ${code(secretRef.name)} in namespace ${code(namespace)}`,
    ],
    [
      'Certificate',
      secretRef &&
        html`verified by the key ${code('ca.crt')} of that Secret, or by public authorities where it has none`,
    ],
  ]);
}

function traffic({ status: { traffic, quota, paused, lastUsedTime } }: User): Html {
  return factList([
    ['Last used', time(lastUsedTime) ?? 'never, as far as is known'],
    ['Counted since', time(traffic?.since)],
    ['Accepted', traffic && `${traffic.accepted} messages to ${traffic.recipients} recipients, ${size(traffic.bytes)}`],
    ['Delivered', traffic && `${traffic.delivered} recipients`],
    ['Bounced', traffic && `${traffic.bounced} recipients`],
    ['Put off', traffic && `${traffic.deferred} attempts`],
    ['Refused', traffic && String(traffic.refused)],
    ['Quota', quota && `${quota.messages} of ${quota.limit} messages in ${quota.month}`],
    ['Paused', paused && html`since ${time(paused.since)}: ${paused.bounced} of ${paused.of} recipients bounced`],
  ]);
}
