/** The page behind the link in a mail, in its four states. No script, no image, nothing that comes from elsewhere. */
import { createHash } from 'node:crypto';
import { html, renderPage, styleElement, type Html } from './html.ts';

/** Large enough for thumbs, in the colours that the reader has chosen, with contrasts of 7:1 and more. */
const STYLE = `
:root { color-scheme: light dark; }
body { margin: 0; font: 1.125rem/1.6 system-ui, sans-serif; background: Canvas; color: CanvasText; }
main { max-width: 34rem; margin: 0 auto; padding: 2rem 1.25rem; }
h1 { font-size: 1.5rem; line-height: 1.3; }
strong { overflow-wrap: anywhere; }
dl { border-left: 0.25rem solid #767676; padding-left: 1rem; }
dt { font-weight: 600; }
dd { margin: 0 0 0.75rem; overflow-wrap: anywhere; }
button { font: inherit; font-weight: 600; padding: 0.75rem 1.5rem; border: 0; border-radius: 0.5rem; cursor: pointer; background: #0842a0; color: #ffffff; }
button:focus-visible { outline: 0.2rem solid CanvasText; outline-offset: 0.2rem; }
@media (prefers-color-scheme: dark) { button { background: #a8c7fa; color: #062e6f; } }
@media (forced-colors: active) { button { border: 0.1rem solid ButtonText; } }
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** No exception: what is not named here does not load, run, frame or send anything. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${STYLE_HASH}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface Confirmable {
  readonly namespace: string;
  readonly address: string;
}

export function askPage({ namespace, address }: Confirmable): string {
  return pageOf(
    'Confirm this address?',
    html`
      <p>Somebody who works in namespace <strong>${namespace}</strong> wants to send mail as this address.</p>
      <dl>
        <dt>Address</dt>
        <dd>${address}</dd>
        <dt>Namespace</dt>
        <dd>${namespace}</dd>
      </dl>
      <p>
        If you press the button, whoever works in that namespace may send mail in the name of this address. If you do
        not know them, close this page: nothing happens then.
      </p>
      ${CONFIRM}
    `,
  );
}

/** To the address of this page, wherever a proxy has put it. */
const CONFIRM = html`<form method="post"><button type="submit">Confirm</button></form>`;

export function donePage(): string {
  return pageOf(
    'The address is confirmed',
    html`<p role="status">Thank you. Mail can be sent as this address now, and you may close this page.</p>`,
  );
}

export function receivedPage(): string {
  return pageOf(
    'Your confirmation is on its way',
    html`<p role="status">
      Thank you. It is written down, and takes effect within a minute; you may close this page.
    </p>`,
  );
}

/** One for all: whoever tries links learns nothing from it, not even whether there ever was such a mail. */
export function unusablePage(): string {
  return pageOf(
    'This link cannot be used',
    html`
      <p>
        It may be older than 24 hours, there may be a newer mail, or it has been used. If you have pressed the button
        before, that has worked, and there is nothing more to do.
      </p>
      <p>
        Otherwise open the link in the newest mail. If that does not work either, ask whoever wants to send as your
        address for another mail. They get one with this command, for their own object and namespace:
      </p>
      <p><code>${RESEND}</code></p>
    `,
  );
}

const RESEND = 'kubectl annotate vsender NAME -n NAMESPACE smtpplus.io/resend="$(date)" --overwrite';

export function busyPage(): string {
  return pageOf(
    'Please try again in a minute',
    html`<p>There are too many requests at the moment. Your link is not used up by this.</p>`,
  );
}

function pageOf(title: string, content: Html): string {
  return renderPage(html`
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
        ${styleElement(STYLE)}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${content}
        </main>
      </body>
    </html>
  `);
}
