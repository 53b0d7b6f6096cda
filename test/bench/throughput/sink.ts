/** A smart host that takes everything at once and keeps nothing: what it costs us to hand mail over, and no more. */
import { createServer } from 'node:net';

/** Enough SMTP for a client that pipelines: every line is fine, DATA ends at the dot. */
let messages = 0;
let lastAt = 0;

const server = createServer({ noDelay: true }, (socket) => {
  let isData = false;
  let rest = '';
  socket.on('error', () => {});
  socket.write('220 sink\r\n');
  socket.on('data', (chunk) => {
    rest += chunk.toString('latin1');
    let replies = '';
    for (;;) {
      const end = rest.indexOf(isData ? '\r\n.\r\n' : '\r\n');
      if (end < 0) break;
      if (isData) {
        messages += 1;
        lastAt = Date.now();
      }
      const line = isData ? '' : rest.slice(0, end).toUpperCase();
      rest = rest.slice(end + (isData ? 5 : 2));
      replies += isData || line !== 'DATA' ? answer(line) : '354 go on\r\n';
      isData = line === 'DATA';
    }
    socket.write(replies);
  });
});

function answer(line: string): string {
  return line.startsWith('EHLO') ? '250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n' : '250 ok\r\n';
}

/** Asked for nothing, it tells its port; else what it has had so far. */
process.on('message', () => process.send?.({ messages, lastAt }));
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }));
