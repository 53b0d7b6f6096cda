import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createDotStuffer } from './dot-stuffing.ts';

/** RFC 5321 section 4.5.2, read as a server does: up to the first lone dot. */
function unstuff(sent: string): { content: string; rest: string } {
  const lines = sent.split('\r\n');
  const end = lines.indexOf('.');
  const content = lines.slice(0, end).map((line) => `${line.replace(/^\./, '')}\r\n`);
  return { content: content.join(''), rest: lines.slice(end + 1).join('\r\n') };
}

const lines = fc.array(fc.constantFrom('', '.', '..', '.x', 'x.', 'text', '. ', 'QUIT'), { maxLength: 12 });

test('content arrives as it is, in whatever pieces it is sent, and nothing of it ends it', () => {
  fc.assert(
    fc.property(lines, fc.array(fc.nat(60), { maxLength: 8 }), fc.boolean(), (lines, cuts, isEnded) => {
      const text = lines.join('\r\n') + (isEnded ? '\r\n' : '');
      const content = Buffer.from(text);
      const stuffer = createDotStuffer();
      const parts: Buffer[] = [];
      let from = 0;
      for (const at of [...cuts.filter((cut) => cut < content.length).toSorted((a, b) => a - b), content.length]) {
        parts.push(...stuffer.push(content.subarray(from, at)));
        from = at;
      }
      const sent = Buffer.concat([...parts, stuffer.end()]).toString();
      const whole = text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`;
      assert.deepEqual(unstuff(sent), { content: whole, rest: '' });
    }),
    { numRuns: 1000 },
  );
});

test('a dot behind a lone line feed cannot end the content of a server that takes it for a line end', () => {
  const stuffer = createDotStuffer();
  const sent = Buffer.concat([...stuffer.push(Buffer.from('a\n.\nMAIL FROM:<x@y>\n')), stuffer.end()]);
  assert.ok(!/\n\.\r?\nM/.test(sent.toString()));
});
