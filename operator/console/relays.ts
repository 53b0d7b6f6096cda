/** The relays: what they run, their certificate, and how full they are. */
import { html, type Html } from '../page/html.ts';
import type { Facts, RelayFact } from './facts.ts';
import type { Page } from './layout.ts';
import { badge, code, facts as factList, time } from './parts.ts';

export function relaysPage({ relays }: Facts): Page | undefined {
  if (relays === undefined) return undefined;
  return {
    title: 'Relays',
    part: 'relays',
    isLive: true,
    content: relays.length === 0 ? html`<p>There is no relay.</p>` : relays.map((relay) => relaySection(relay)),
  };
}

function relaySection({ name, isReady, state, ports, implicitTlsPorts }: RelayFact): Html {
  return html`
    <section>
      <h2>${name}</h2>
      ${factList([
        ['State', isReady ? badge('good', 'ready') : badge('bad', 'not ready')],
        ['Version', state === undefined ? 'it does not answer' : (state.version ?? 'not told')],
        ['Relay class', state?.class],
        ['Ports with STARTTLS', ports?.join(', ')],
        ['Ports with TLS from the start', implicitTlsPorts?.join(', ')],
        ['Certificate', state?.certificate && code(state.certificate)],
        ['Valid until', time(state?.certificateNotAfter)],
        ['Configuration read', time(state?.readTime)],
        ['Configuration', state && documents(state.documents)],
        ['Room taken', state?.spoolFill && `${state.spoolFill.percent} %`],
        ['Full since', time(state?.spoolFullSince)],
      ])}
    </section>
  `;
}

const HASH_SHOWN = 12;

function documents(hashes: Readonly<Record<string, string>>): Html {
  const all = Object.entries(hashes);
  if (all.length === 0) return 'none yet';
  return html`<ul>
    ${all.map(([file, hash]) => html`<li>${file} ${code(hash.slice(0, HASH_SHOWN))}</li>`)}
  </ul>`;
}
