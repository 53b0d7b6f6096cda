import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isReply } from '../replies.ts';
import { changesTo } from './header-changes.ts';
import { scanHeaderSection } from './header-section.ts';

/** The fields that we add to a header section of these lines, and what is left of it. */
function change(lines: readonly string[], bcc: 'Drop' | 'Keep' = 'Drop') {
  const section = `${lines.join('\r\n')}\r\n\r\n`;
  const scan = scanHeaderSection(Buffer.from(section, 'latin1'), { headerBytes: 1_000_000, isUtf8: false });
  if (isReply(scan)) return assert.fail(scan.lines[0]);
  const { missing, dropped } = changesTo(scan, { bcc });
  let [left, at] = ['', 0];
  for (const { start, end } of dropped) {
    assert.ok(at <= start && start < end);
    left += section.slice(at, start);
    at = end;
  }
  const added = [missing.date ? 'Date' : '', missing.messageId ? 'Message-ID' : ''].filter((name) => name !== '');
  return { added, left: (left + section.slice(at)).split('\r\n').slice(0, -2) };
}

const added = (...lines: string[]) => change(lines).added;
const both = ['Date', 'Message-ID'];
const signature = (tags: string) => `DKIM-Signature: v=1; a=rsa-sha256; d=shop.example; ${tags}; b=AAAA`;

describe('Date and Message-ID are added', () => {
  test('where they are missing', () => {
    assert.deepEqual(added('From: x'), both);
    assert.deepEqual(added('DATE: x'), ['Message-ID']);
    assert.deepEqual(added('message-id: <x@y>'), ['Date']);
    assert.deepEqual(added('Date: x', 'Message-ID: <x@y>'), []);
    assert.deepEqual(added('Resent-Date: x', 'Resent-Message-ID: <x@y>'), both);
  });

  test('where a signature names neither of them', () => {
    assert.deepEqual(added(signature('h=from:to:resent-date:x-message-id')), both);
    assert.deepEqual(added(signature('h=from; z=date:message-id')), both);
    assert.deepEqual(added('X-DKIM-Signature: h=date:message-id'), both);
    assert.deepEqual(added('Subject: DKIM-Signature: h=date'), both);
  });

  test('but not where a signature names them as absent', () => {
    assert.deepEqual(added(signature('h=from:date:message-id')), []);
    assert.deepEqual(added(signature('h=from:date')), ['Message-ID']);
    assert.deepEqual(added(signature('h=From:MESSAGE-ID')), ['Date']);
    assert.deepEqual(added(signature('h=from:date:date')), ['Message-ID']);
    assert.deepEqual(added('Date: x', signature('h=from:date:message-id')), []);
  });

  test('and not where one of several signatures does, in any place of the header', () => {
    assert.deepEqual(added(signature('h=from'), 'From: x', signature('h=from:date')), ['Message-ID']);
    assert.deepEqual(added(signature('h=message-id'), 'DKIM-SIGNATURE: h=date'), []);
    assert.deepEqual(added('ARC-Message-Signature: i=1; h=from:date:message-id; b=A'), []);
  });

  test('and not where the names are folded, or have white space around', () => {
    assert.deepEqual(added(signature('h=from:\r\n\tdate :\r\n message-id')), []);
    assert.deepEqual(added(signature('\r\n h\r\n =\r\n date\t:\r\n message-id\r\n ')), []);
    assert.deepEqual(added('DKIM-Signature:\r\n h=da\r\n te:message-id'), []);
  });

  test('and not where a malformed signature can be read to name them', () => {
    for (const tags of [
      'h=date:message-id',
      ';;h=::date::message-id::;',
      'h=from; h=date:message-id',
      'b; =; H=Date:message-id',
    ]) {
      assert.deepEqual(added(`DKIM-Signature: ${tags}`), [], tags);
    }
    for (const tags of ['', 'h', 'h=', 'hdate:message-id', 'h=date,message-id', ';;;', 'bh=date:message-id']) {
      assert.deepEqual(added(`DKIM-Signature:${tags}`), both, tags);
    }
  });
});

describe('Bcc and Resent-Bcc', () => {
  test('are left out with all of their lines, and nothing else is', () => {
    const header = [
      'BCC: a@b.example,',
      '\tc@d.example',
      'From: x',
      'bcc:',
      'Resent-Bcc: e@f.example',
      'Resent-bcc: ',
      ' g@h.example,',
      ' i@j.example',
      'X-Bcc: y',
      'Subject: Bcc: no',
      ' Bcc: neither',
      'Bcc:z',
    ];
    const left = ['From: x', 'X-Bcc: y', 'Subject: Bcc: no', ' Bcc: neither'];
    assert.deepEqual(change(header).left, left);
    assert.deepEqual(change(header, 'Keep').left, header);
  });

  test('stay where a signature names them, each by itself', () => {
    const header = ['Bcc: a', 'Resent-Bcc: b'];
    assert.deepEqual(change([...header, signature('h=from:bcc')]).left, ['Bcc: a', signature('h=from:bcc')]);
    assert.deepEqual(change([signature('h=from:\r\n Resent-Bcc'), ...header]).left.at(-1), 'Resent-Bcc: b');
    assert.equal(change([signature('h=x-bcc'), ...header]).left.length, 1);
  });

  test('can be any of a thousand fields', () => {
    const fields = Array.from({ length: 999 }, (_, i) => (i % 2 === 0 ? 'Bcc: x\r\n y' : `X-${i}: x`));
    assert.deepEqual(
      change(fields).left,
      fields.filter((field) => !field.startsWith('Bcc')),
    );
  });

  test('never take octets of another field along, wherever they stand', () => {
    const line = fc.constantFrom(
      'Bcc: x',
      'Resent-Bcc:',
      ' folded',
      '\tbcc: folded',
      'From: x',
      'Subject:',
      'X-Bcc: \xfc',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const fields = ['X: x', ...lines].join('\r\n').split(/\r\n(?![ \t])/);
        const kept = fields.filter((field) => !/^(?:resent-)?bcc:/i.test(field));
        assert.deepEqual(change(fields).left.join('\r\n'), kept.join('\r\n'));
      }),
    );
  });
});
