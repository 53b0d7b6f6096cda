/** One captured message: what people would see of it, and what it is made of. */
import { html, type Html } from '../../page/html.ts';
import type { Page } from '../layout.ts';
import { BASE, CURRENT, facts, link, size, table, time } from '../parts.ts';
import type { ShownMail } from './questions.ts';
import type { CapturedEnvelope } from '../../captured-mail.ts';

const TABS = { html: 'HTML', text: 'Text', headers: 'Headers', attachments: 'Attachments', source: 'Source' } as const;
type Tab = keyof typeof TABS;

export interface ShownMessage {
  readonly key: string;
  readonly envelope: CapturedEnvelope;
  readonly mail: ShownMail;
  /** As it is, up to a bound. */
  readonly source: string;
  /** Everything that is larger is shown as far as it was read. */
  readonly isWhole: boolean;
  /** What was asked for. */
  readonly tab: string | undefined;
}

export function messagePage(message: ShownMessage): Page {
  const { key, envelope, mail, isWhole } = message;
  const tabs = (Object.keys(TABS) as Tab[]).filter((name) => isThere(name, mail));
  const tab = tabs.find((name) => name === message.tab) ?? tabs[0] ?? 'source';
  return {
    title: mail.subject.trim() === '' ? '(no subject)' : mail.subject,
    part: 'mail',
    content: html`
      ${facts([
        ['From', mail.from],
        ['To', mail.headers.find(({ name }) => name.toLowerCase() === 'to')?.value],
        ['Envelope', `from ${envelope.from || '<>'} to ${envelope.recipients.join(', ')}`],
        ['User and list', `${envelope.user}, ${envelope.list}`],
        ['Captured', time(envelope.time)],
        ['Queue id', envelope.id],
      ])}
      ${mail.problem !== undefined && html`<p role="alert">${mail.problem}</p>`}
      ${!isWhole && html`<p>It is so large that only its beginning is shown. The download has all of it.</p>`}
      <nav aria-label="Parts of the message">
        <ul class="tabs">
          ${tabs.map((name) => html`<li>${tabLink(key, name, { isCurrent: name === tab, mail })}</li>`)}
          <li><a href="${`${BASE}/mail/${key}/message.eml`}">Download</a></li>
        </ul>
      </nav>
      ${contentOf(tab, message)}
    `,
  };
}

function isThere(tab: Tab, { hasHtml, text, headers, attachments }: ShownMail): boolean {
  switch (tab) {
    case 'html':
      return hasHtml;
    case 'text':
      return text !== undefined;
    case 'headers':
      return headers.length > 0;
    case 'attachments':
      return attachments.length > 0;
    case 'source':
      return true;
  }
}

function tabLink(key: string, name: Tab, { isCurrent, mail }: { isCurrent: boolean; mail: ShownMail }): Html {
  const current = isCurrent && CURRENT;
  const number = name === 'attachments' ? ` (${mail.attachments.length})` : '';
  return html`<a href="${`${BASE}/mail/${key}?show=${name}`}" ${current}>${TABS[name]}${number}</a>`;
}

function contentOf(tab: Tab, { key, mail, source }: ShownMessage): Html {
  switch (tab) {
    case 'html':
      return html`
        <iframe sandbox title="HTML of the message" src="${`${BASE}/mail/${key}/frame.html`}"></iframe>
        ${linksOf(mail)}
      `;
    case 'text':
      return html`<pre tabindex="0">${mail.text}</pre>`;
    case 'headers':
      return table('Header fields, in their order', {
        head: ['Field', 'Value'],
        rows: mail.headers.map(({ name, value }) => [name, value]),
        none: 'There are none.',
      });
    case 'attachments':
      return table('Attachments', {
        head: ['Name', 'Type', 'Size'],
        rows: mail.attachments.map(({ name, type, octets }, index) => [
          link(`/mail/${key}/attachments/${index + 1}`, name),
          type,
          size(octets),
        ]),
        none: 'There are none.',
      });
    case 'source':
      return html`<pre tabindex="0">${source}</pre>`;
  }
}

/** From within the frame they lead nowhere: here one reads where each goes, and may follow it. */
function linksOf({ links }: ShownMail): Html {
  if (links.length === 0) return undefined;
  return html`
    <h2>Where its links lead</h2>
    <ul>
      ${links.map((href) => html`<li><a href="${href}" target="_blank" rel="noopener noreferrer nofollow">${href}</a></li>`)}
    </ul>
  `;
}
