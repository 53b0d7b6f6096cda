/** Senders: what is verified; and for what is not, which records to publish, and what was seen in their place. */
import type { SenderStatus } from '../api/sender.ts';
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
  table,
  time,
  verdict,
} from './parts.ts';

export function sendersPage(facts: Facts): Page {
  const rows = facts.senders.map((sender) => {
    const verified = conditionOf(sender.status, 'Verified');
    return [
      link(objectPath('senders', sender), `${sender.namespace}/${sender.name}`),
      code(sender.status.sender ?? ''),
      verdict(sender.status, 'Verified'),
      sender.status.method ?? '',
      verified?.message ?? '',
      openRecords(sender.status),
    ];
  });
  const head = ['Sender', 'Address or domain', 'Verified', 'By', 'What was found', 'Records to publish'];
  return {
    title: 'Senders',
    part: 'senders',
    isLive: true,
    content: html`
      ${namespaceForm(facts, '/senders')}
      ${table('Senders', { head, rows, none: 'No senders yet: add a VerifiedSender.' })}
    `,
  };
}

function openRecords({ dnsRecords = [], challenge, conditions }: SenderStatus): Html {
  const open = dnsRecords.filter(({ state }) => state !== 'Found').length;
  const isProofOpen = challenge?.recordName !== undefined && conditionOf({ conditions }, 'Verified')?.status !== 'True';
  return open > 0 ? String(open) : isProofOpen ? '1' : 'none';
}

export function senderPage({ namespace, name, status }: ShownObject<SenderStatus>): Page {
  const { challenge, sender, method, verifiedTime, lastCheckTime, nextCheckTime } = status;
  return {
    title: `Sender ${namespace}/${name}`,
    part: 'senders',
    isLive: true,
    content: html`
      ${factList([
        ['Address or domain', code(sender ?? '')],
        ['Verified', verdict(status, 'Verified')],
        ['By', method],
        ['Verified since', time(verifiedTime)],
        ['Looked up last', time(lastCheckTime)],
        ['Looked up next', time(nextCheckTime)],
        ['Mail to the address', challenge?.sentTime && html`sent ${time(challenge.sentTime)}`],
        ['Its link and code expire', time(challenge?.expiryTime)],
      ])}
      <h2>Records to publish</h2>
      ${records(status)}
      <h2>Details</h2>
      ${conditionsTable(status)}
    `,
  };
}

/** Each to be copied as it is. */
function records(status: SenderStatus): Html {
  const { challenge, dnsRecords = [] } = status;
  const isProven = conditionOf(status, 'Verified')?.status === 'True';
  const known = dnsRecords.some(
    ({ name, value }) => name === challenge?.recordName && value === challenge?.recordValue,
  );
  const proof =
    challenge?.recordName === undefined || known
      ? []
      : [
          [
            'proof',
            code(challenge.recordName),
            challenge.recordType ?? 'TXT',
            code(challenge.recordValue ?? ''),
            isProven ? 'Found' : 'Missing',
            conditionOf(status, 'Verified')?.message ?? '',
          ],
        ];
  const rows = dnsRecords.map(({ purpose, name, type, value, state, message }) => [
    purpose,
    code(name),
    type,
    value === undefined ? '' : code(value),
    state,
    message ?? '',
  ]);
  const head = ['For', 'Name', 'Type', 'Value', 'Seen', 'What to do'];
  return table('Records in the DNS', { head, rows: [...proof, ...rows], none: 'None are needed.' });
}
