/**
 * The mail that proves an address. Nothing in it is a tenant's own text, or we would send strangers whatever somebody
 * wants to tell them: not even the name of the VerifiedSender, which may be `login.evil.example` and which mail
 * programs show as a link.
 */
import { randomBytes } from 'node:crypto';
import { html, renderPage } from '../page/html.ts';

export interface ChallengeMail {
  readonly from: string;
  readonly to: string;
  readonly namespace: string;
  /** Absent: there is no page, and the code is to be put into the object. */
  readonly link: string | undefined;
  readonly code: string;
  readonly expiryTime: string;
  /** Host name of the relay by which the address is to send. */
  readonly hostname: string;
  readonly date: Date;
}

/** As octets to send, in lines of ASCII. */
export async function composeChallenge(mail: ChallengeMail): Promise<Buffer> {
  // it takes a while to load, and most processes never send one
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer');
  const { from, to, date } = mail;
  const composer = new MailComposer({
    from: { name: `SMTP+ at ${mail.hostname}`, address: from },
    to: { name: '', address: to },
    subject: `Confirm that namespace ${mail.namespace} may send as ${to}`,
    date,
    messageId: `<${randomBytes(16).toString('hex')}@${from.slice(from.lastIndexOf('@') + 1)}>`,
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    text: textOf(mail),
    html: htmlOf(mail),
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: 'windows',
  });
  return composer.compile().build();
}

interface Words {
  readonly what: string;
  readonly link: string | undefined;
  readonly code: string;
  readonly until: string;
  readonly otherwise: string;
}

function wordsOf({ to, namespace, hostname, link, expiryTime }: ChallengeMail): Words {
  const until = `${expiryTime.slice(0, 10)} ${expiryTime.slice(11, 16)} UTC`;
  return {
    what: `Somebody who works in namespace ${namespace} wants to send mail as ${to} through the mail relay ${hostname}. If that is fine with you, please confirm it.`,
    link: link === undefined ? undefined : 'Open this page and press the button on it:',
    code: `${link === undefined ? 'Put' : 'Or put'} this code into spec.email.code of the VerifiedSender for this address in namespace ${namespace}:`,
    until: `${link === undefined ? 'The code is' : 'Both are'} good until ${until}.`,
    otherwise:
      'If you do not know what this is about, you need not do anything: without your confirmation nobody there can send as this address. Please give neither the code nor this mail to anybody whom you do not want to send in your name.',
  };
}

function textOf(mail: ChallengeMail): string {
  const { what, link, code, until, otherwise } = wordsOf(mail);
  const parts = [
    'Hello,',
    wrapped(what),
    ...(link === undefined ? [] : [link, mail.link]),
    wrapped(code),
    `    ${mail.code}`,
    until,
    wrapped(otherwise),
  ];
  return `${parts.join('\n\n')}\n`;
}

const LINE_LENGTH = 72;

/** Short lines of ASCII go as they are, so that whoever looks at the raw mail can read it, too. */
function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > LINE_LENGTH) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join('\n');
}

const BODY =
  'font-family:system-ui,sans-serif;font-size:16px;line-height:1.5;max-width:36em;margin:1em auto;padding:0 1em;word-break:break-word;overflow-wrap:anywhere';
const BUTTON =
  'display:inline-block;padding:.6em 1.2em;border-radius:6px;background:#0b57d0;color:#ffffff;text-decoration:none;font-weight:600';
const CODE = 'font-family:ui-monospace,monospace;font-size:22px;letter-spacing:2px';

function htmlOf(mail: ChallengeMail): string {
  const { what, link, code, until, otherwise } = wordsOf(mail);
  return renderPage(html`
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="color-scheme" content="light dark" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Confirm an address</title>
      </head>
      <body style="${BODY}">
        <p>Hello,</p>
        <p>${what}</p>
        ${link !== undefined && html`<p><a href="${mail.link}" style="${BUTTON}">Look at it and confirm</a></p>`}
        ${link !== undefined && html`<p>${link}<br />${mail.link}</p>`}
        <p>${code}</p>
        <p style="${CODE}">${mail.code}</p>
        <p>${until}</p>
        <p>${otherwise}</p>
      </body>
    </html>
  `);
}
