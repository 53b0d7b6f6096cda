/** Captured mail, newest first. */
import { html } from '../../page/html.ts';
import type { Page } from '../layout.ts';
import { BASE, count, link, table, time } from '../parts.ts';
import type { Summary } from './search.ts';

export interface MailList {
  /** What was searched for; empty: everything is shown. */
  readonly query: string;
  readonly total: number;
  /** How many of the newest were looked at. */
  readonly searched: number;
  readonly found: readonly Summary[];
  /** Key of the last one that is shown, where there are older ones. */
  readonly olderThan: string | undefined;
}

const RECIPIENTS_SHOWN = 3;

export function mailListPage({ query, total, searched, found, olderThan }: MailList): Page {
  const rows = found.map(({ key, envelope, subject, from }) => [
    link(`/mail/${key}`, subject.trim() === '' ? '(no subject)' : subject),
    from === '' ? envelope.from : from,
    recipientsOf(envelope.recipients),
    envelope.user,
    time(envelope.time),
  ]);
  const none = query === '' ? 'No mail has been captured yet.' : 'Nothing was found.';
  return {
    title: 'Captured mail',
    part: 'mail',
    isLive: query === '',
    news: count(total, 'message'),
    content: html`
      <form class="filter" method="get" action="${`${BASE}/mail`}" role="search">
        <label for="q">Search</label>
        <input id="q" name="q" type="search" value="${query}" maxlength="200" />
        <button type="submit">Search</button>
        ${query !== '' && link('/mail', 'Show everything')}
      </form>
      <p>
        ${count(total, 'message')} captured instead of sent.
        ${query !== '' && searched < total && ` The newest ${searched} were searched.`}
      </p>
      ${table('Messages, newest first', { head: ['Subject', 'From', 'To', 'User', 'Captured'], rows, none })}
      ${olderThan !== undefined && html`<p>${link(`/mail?before=${olderThan}`, 'Older messages')}</p>`}
    `,
  };
}

function recipientsOf(recipients: readonly string[]): string {
  const more = recipients.length - RECIPIENTS_SHOWN;
  return recipients.slice(0, RECIPIENTS_SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
