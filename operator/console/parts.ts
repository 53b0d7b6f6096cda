/** Pieces that several pages are made of. */
import type { UserStatus } from '../api/user.ts';
import { html, type Html } from '../page/html.ts';

export const BASE = '/console';

/** An attribute of the link to where one is. */
export const CURRENT = html` aria-current="page"`;

type WithConditions = Pick<UserStatus, 'conditions'>;

/** A table with a caption, which screen readers say first; on narrow screens it scrolls within itself, by keyboard too. */
export function table(
  caption: string,
  {
    head,
    rows,
    none,
  }: { readonly head: readonly string[]; readonly rows: readonly (readonly Html[])[]; readonly none: string },
): Html {
  if (rows.length === 0) return html`<p class="none">${none}</p>`;
  return html`
    <div class="scroll" role="region" aria-label="${caption}" tabindex="0">
      <table>
        <caption>
          ${caption}
        </caption>
        <thead>
          <tr>
            ${head.map((name) => html`<th scope="col">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ([first, ...others]) => html`
              <tr>
                <th scope="row">${first}</th>
                ${others.map((cell) => html`<td>${cell}</td>`)}
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

/** Names and values. What has no value is left out. */
export function facts(entries: readonly (readonly [string, Html])[]): Html {
  const known = entries.filter(([, value]) => value !== undefined && value !== '');
  return html`<dl>
    ${known.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

type Tone = 'good' | 'bad' | 'open';

const SIGNS: Readonly<Record<Tone, string>> = { good: '✓', bad: '✗', open: '…' };

/** A word with a sign before it: colour alone says nothing to many. */
export function badge(tone: Tone, text: string): Html {
  return html`<span class="${`badge ${tone}`}"><span aria-hidden="true">${SIGNS[tone]} </span>${text}</span>`;
}

export function conditionOf(status: WithConditions, type: string) {
  return status.conditions?.find((condition) => condition.type === type);
}

/** `yes`, or `no` and the reason, of one condition. */
export function verdict(status: WithConditions, type: string): Html {
  const found = conditionOf(status, type);
  if (found?.status === 'True') return badge('good', 'yes');
  if (found?.status === 'False') return badge('bad', `no: ${found.reason}`);
  return badge('open', found === undefined ? 'not known yet' : found.reason);
}

/** The conditions with their own words. */
export function conditionsTable(status: WithConditions): Html {
  const rows = (status.conditions ?? []).map(({ type, status: is, reason, message, lastTransitionTime }) => [
    type,
    is,
    reason,
    message,
    time(lastTransitionTime),
  ]);
  return table('Conditions', { head: ['Condition', 'Status', 'Reason', 'Message', 'Since'], rows, none: 'None yet.' });
}

export function time(iso: string | undefined): Html {
  if (iso === undefined) return undefined;
  return html`<time datetime="${iso}">${`${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`}</time>`;
}

export function code(text: string): Html {
  return html`<code>${text}</code>`;
}

export function link(path: string, text: Html): Html {
  return html`<a href="${`${BASE}${path}`}">${text}</a>`;
}

/** As part of a path. */
export function objectPath(
  page: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): string {
  return `/${page}/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

export function size(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`;
}

export function count(number: number, one: string, more = `${one}s`): string {
  return `${number} ${number === 1 ? one : more}`;
}
