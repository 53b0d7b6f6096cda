/** What the load generator sends. */
export interface Login {
  readonly user: string;
  readonly password: string;
  readonly from: string;
}

export const RECIPIENT = 'somebody@elsewhere.example';

/** A message of about so many octets, in lines of 72 as mail programs write. */
export function messageOf(from: string, size: number): Buffer {
  const header = [
    `From: Orders <${from}>`,
    `To: ${RECIPIENT}`,
    'Subject: Your order',
    'Date: Mon, 02 Mar 2026 10:00:00 +0000',
    'Message-ID: <bench@shop.example>',
    '',
    '',
  ].join('\r\n');
  const line = `${'x'.repeat(71)} \r\n`;
  return Buffer.from(header + line.repeat(Math.max(1, Math.round((size - header.length) / line.length))));
}
