/**
 * The floor: smtp-server as it comes, with STARTTLS and AUTH, that answers 250 once lmdb has committed the message in a
 * group. No policy, no header check, no delivery: what remains of our own rate beside it is the price of all those.
 */
import path from 'node:path';
import { open } from 'lmdb';
import { SMTPServer } from 'smtp-server';
import { ensureCertificates } from '../../../operator/certificates/self-signed.ts';

const [folder = '', port = '0', secret = ''] = process.argv.slice(2);
const { cert, key } = await ensureCertificates(folder, { hostnames: ['localhost'] });
const store = open<Buffer, number>({ path: path.join(folder, 'store'), encoding: 'binary' });
let id = 0;

const server = new SMTPServer({
  cert,
  key,
  disableReverseLookup: true,
  onAuth: ({ username, password }, _session, callback) => {
    callback(null, password === secret ? { user: username } : {});
  },
  onData: (stream, _session, callback) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => void commit(Buffer.concat(chunks), callback));
  },
});
server.on('error', () => {});

async function commit(content: Buffer, done: () => void): Promise<void> {
  void store.put(++id, content);
  await store.flushed;
  done();
}

server.listen(Number(port), '127.0.0.1');
