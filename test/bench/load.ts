/** Load: CONNECTIONS reused connections, each STARTTLS and AUTH once, then message after message. Its own process. */
import { once } from 'node:events';
import SMTPConnection from 'nodemailer/lib/smtp-connection';

interface Order {
  readonly port: number;
  readonly messages: number;
}

const CONNECTIONS = 10;
const USER = 'orders.shop';
const FROM = 'orders@shop.example';

/** 5 kB in lines of 72 octets, as mail programs write. */
export const MESSAGE = Buffer.from(
  [
    `From: Orders <${FROM}>`,
    'To: somebody@elsewhere.example',
    'Subject: Your order',
    'Date: Mon, 02 Mar 2026 10:00:00 +0000',
    'Message-ID: <bench@shop.example>',
    '',
    ...Array.from({ length: 64 }, (_, i) => `${String(i).padStart(4, '0')} ${'x'.repeat(66)} `),
    '',
  ].join('\r\n'),
);

process.on('message', (order: Order) => {
  void run(order).then((seconds) => process.send?.({ seconds }));
});

async function run({ port, messages }: Order): Promise<number> {
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => connect(port)));
  let left = messages;
  const start = process.hrtime.bigint();
  await Promise.all(
    connections.map(async (connection) => {
      while (left-- > 0) await send(connection);
    }),
  );
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  for (const connection of connections) connection.quit();
  return seconds;
}

async function connect(port: number): Promise<SMTPConnection> {
  const connection = new SMTPConnection({
    host: '127.0.0.1',
    port,
    requireTLS: true,
    tls: { rejectUnauthorized: false },
  });
  connection.connect();
  await once(connection, 'connect');
  await new Promise<void>((resolve, reject) => {
    connection.login({ user: USER, pass: process.env['BENCH_PASSWORD'] ?? '' }, (error) =>
      error ? reject(error) : resolve(),
    );
  });
  return connection;
}

async function send(connection: SMTPConnection): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    connection.send({ from: FROM, to: ['somebody@elsewhere.example'] }, MESSAGE, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}
