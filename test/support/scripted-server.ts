/**
 * A server that follows the standard until its script says otherwise, and sends its replies in pieces of any size. It
 * remembers what it said yes to: the truth about which message is delivered.
 */
import { createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export type Act =
  | 'yes'
  | 'yes in two lines'
  | 'later'
  | 'no'
  | 'bye'
  | 'garbage'
  | 'unasked reply'
  | 'silence'
  | 'close'
  | 'yes and close'
  | 'unsaid yes and close';

export interface Script {
  /** Keywords of EHLO. */
  readonly keywords: readonly string[];
  /** What is done with one command after the other, the content among them; `yes` beyond its end. */
  readonly acts: readonly Act[];
  /** Sizes of the pieces in which replies are sent, in turn. */
  readonly pieces: readonly number[];
}

export interface Taken {
  readonly to: readonly string[];
  readonly bytes: Buffer;
}

export interface ScriptedServer {
  readonly port: number;
  /** What was answered with a yes, whether or not that reached the client. */
  readonly taken: readonly Taken[];
  /** Commands, of all connections. */
  readonly commands: readonly string[];
}

export async function startScripted(t: Pick<TestContext, 'after'>, script: Script): Promise<ScriptedServer> {
  const taken: Taken[] = [];
  const commands: string[] = [];
  const acts = [...script.acts];
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, { script, taken, commands, nextAct: () => acts.shift() ?? 'yes' });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, taken, commands };
}

interface Scene {
  readonly script: Script;
  readonly taken: Taken[];
  readonly commands: string[];
  readonly nextAct: () => Act;
}

function serve(socket: Socket, { script, taken, commands, nextAct }: Scene): void {
  let rest = Buffer.alloc(0);
  let transaction: { to: string[] } | undefined;
  let isEnded = false;
  /** Octets of a chunk that are still to come, or all up to the dot. */
  let content: number | 'to the dot' | undefined;
  let piece = 0;
  socket.on('error', () => {});

  function send(text: string): void {
    for (let at = 0; at < text.length;) {
      const size = script.pieces[piece++ % Math.max(1, script.pieces.length)] ?? text.length;
      socket.write(text.slice(at, at + size));
      at += size;
    }
  }

  function close(): void {
    isEnded = true;
    socket.end();
  }

  /** Whether it was a yes. */
  function act(yes: string): boolean {
    const what = nextAct();
    const code = yes.slice(0, 3);
    const isYes = what.includes('yes') || what === 'unasked reply';
    if (what === 'yes in two lines') send(`${code}-well\r\n${yes}\r\n`);
    else if (isYes && !what.startsWith('unsaid')) send(`${yes}\r\n`);
    if (what === 'unasked reply') send('250 by the way\r\n');
    if (what === 'later') send('450 4.2.1 later\r\n');
    if (what === 'no') send('550 5.1.1 no\r\n');
    if (what === 'bye') send('421 4.3.2 bye\r\n');
    if (what === 'garbage') send('what?\r\n');
    if (what === 'bye' || what.endsWith('close')) close();
    return isYes;
  }

  function takeContent(bytes: Buffer): void {
    const { to = [] } = transaction ?? {};
    transaction = undefined;
    content = undefined;
    if (to.length === 0) return send('503 5.5.1 nobody\r\n');
    if (act('250 2.0.0 taken')) taken.push({ to, bytes });
  }

  function hear(line: string): void {
    commands.push(line);
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'EHLO')
      send(['250-scripted', ...script.keywords.map((one) => `250-${one}`), '250 HELP\r\n'].join('\r\n'));
    else if (verb === 'QUIT') send('221 bye\r\n');
    else if (verb === 'RSET') {
      if (act('250 reset')) transaction = undefined;
    } else if (verb === 'MAIL') {
      if (act('250 2.1.0 ok')) transaction = { to: [] };
    } else if (verb === 'RCPT') {
      if (transaction === undefined) send('503 5.5.1 MAIL first\r\n');
      else if (act('250 2.1.5 ok')) transaction.to.push(/<(.*)>/.exec(line)?.[1] ?? '');
    } else if (verb === 'DATA') {
      if (transaction === undefined || transaction.to.length === 0) send('503 5.5.1 RCPT first\r\n');
      else if (act('354 go on')) content = 'to the dot';
    } else if (verb === 'BDAT') content = Number(line.split(' ')[1]);
    else send('500 5.5.2 what\r\n');
  }

  /** Whether there was enough for one more step. */
  function step(): boolean {
    if (isEnded) return false;
    if (typeof content === 'number') {
      if (rest.length < content) return false;
      const bytes = Buffer.from(rest.subarray(0, content));
      rest = rest.subarray(content);
      takeContent(bytes);
      return true;
    }
    if (content === 'to the dot') {
      const end = rest.subarray(0, 3).toString() === '.\r\n' ? 0 : rest.indexOf('\r\n.\r\n') + 2;
      if (end === 1) return false;
      const stuffed = rest.subarray(0, end).toString('latin1');
      rest = rest.subarray(end + 3);
      takeContent(Buffer.from(stuffed.replace(/(^|\r\n)\./g, '$1'), 'latin1'));
      return true;
    }
    const end = rest.indexOf('\r\n');
    if (end === -1) return false;
    const line = rest.subarray(0, end).toString('latin1');
    rest = rest.subarray(end + 2);
    hear(line);
    return true;
  }

  send('220 scripted\r\n');
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (step());
  });
}
