import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aConfig, aList, aSender, aUser, LIST, USER } from '../../test/support/relay-config.ts';
import {
  checkEnvelopeSender,
  checkFieldSender,
  checkHeaderSender,
  isVerifiedSender,
  sendersOf,
  type Objection,
} from './check-sender.ts';
import type { SenderPolicy, SenderRule } from '../config/config.ts';
import { formatReply } from '../smtp/server/format-reply.ts';

const orders = { local: 'orders', domain: 'shop.example' };
const ceo = { local: 'ceo', domain: 'elsewhere.example' };
const pending = aSender({ sender: '@pending.example', verified: false, object: 'shop/pending-example' });
const unproven = { local: 'news', domain: 'pending.example' };

function configWith(overrides: Partial<SenderPolicy> = {}, senders = [aSender(), pending]) {
  const senderPolicy = { ...aList().senderPolicy, ...overrides };
  return aConfig({ lists: { [LIST]: aList({ senderPolicy }) }, namespaces: { shop: senders } });
}

function outcome(objection: Objection | undefined): string {
  if (objection === undefined) return 'pass';
  return `${objection.isAudited ? 'audit' : 'refuse'}: ${formatReply(objection.reply)}`;
}

describe('the senders of a user', () => {
  test("are all of its namespace's", () => {
    assert.deepEqual(sendersOf(configWith(), aUser()), [aSender(), pending]);
  });

  test('are those that it narrows itself to, and no other', () => {
    const user = aUser({ senders: [aSender({ sender: 'orders@shop.example' })] });
    assert.equal(outcome(checkEnvelopeSender(configWith(), USER, user, orders)), 'pass');
    const other = { local: 'other', domain: 'shop.example' };
    assert.match(outcome(checkEnvelopeSender(configWith(), USER, user, other)), /^refuse: 550 5\.7\.1 other@shop/);
    assert.match(
      outcome(checkEnvelopeSender(configWith(), USER, aUser({ senders: [] }), orders)),
      /has no verified sender$/,
    );
  });

  test('are none in a namespace that is not in the configuration', () => {
    const user = aUser({ namespace: 'nowhere' });
    assert.deepEqual(sendersOf(configWith(), user), []);
    assert.match(outcome(checkHeaderSender(configWith(), USER, user, orders)), /has no verified sender$/);
  });
});

describe('a local part in capitals', () => {
  const address = aSender({ sender: 'orders@shop.example' });
  const shown = 'Orders@shop.example';

  function outcomes(localPartCase: 'Ignore' | 'Match', sender: SenderRule): readonly string[] {
    const config = configWith({}, [sender, pending]);
    const ofClass = { ...config, class: { ...config.class, localPartCase } };
    return [
      outcome(checkEnvelopeSender(ofClass, USER, aUser(), orders, shown)),
      outcome(checkHeaderSender(ofClass, USER, aUser(), orders, shown)),
      outcome(checkFieldSender(ofClass, USER, aUser(), orders, { field: 'Sender', shown })),
      String(isVerifiedSender(ofClass, aUser(), orders, shown)),
      outcome(checkEnvelopeSender(ofClass, USER, aUser(), orders, 'orders@SHOP.example')),
    ];
  }

  test('is one with that in small letters, unless the class says otherwise', () => {
    assert.deepEqual(outcomes('Ignore', address), ['pass', 'pass', 'pass', 'true', 'pass']);
    const [envelope, header, field, isVerified, small] = outcomes('Match', address);
    for (const one of [envelope, header, field]) assert.match(one ?? '', /^refuse: 550[ -].*Orders@shop\.example/);
    assert.deepEqual([isVerified, small], ['false', 'pass']);
  });

  test('is covered by a verified domain all the same', () => {
    assert.deepEqual(outcomes('Match', aSender()), ['pass', 'pass', 'pass', 'true', 'pass']);
  });
});

describe('a sender that nobody has looked up yet', () => {
  const unchecked = aSender({ sender: '@new.example', verified: false, unchecked: true, object: 'shop/new-example' });
  const news = { local: 'news', domain: 'new.example' };
  const AGAIN = '451 4.7.1 VerifiedSender shop/new-example is being checked, try again later';

  test('is refused for a moment, not for good: as envelope sender, as From and in other fields', () => {
    const config = configWith({}, [aSender(), unchecked]);
    assert.equal(outcome(checkEnvelopeSender(config, USER, aUser(), news)), `refuse: ${AGAIN}`);
    assert.equal(outcome(checkHeaderSender(config, USER, aUser(), news)), `refuse: ${AGAIN}`);
    const field = { field: 'Sender', shown: 'news@new.example' };
    assert.equal(outcome(checkFieldSender(config, USER, aUser(), news, field)), `refuse: ${AGAIN}`);
  });

  test('has its user try again where there is no other', () => {
    assert.equal(outcome(checkEnvelopeSender(configWith({}, [unchecked]), USER, aUser(), orders)), `refuse: ${AGAIN}`);
  });

  test('gives way to one that covers the same and is verified', () => {
    const config = configWith({}, [unchecked, aSender({ sender: '@new.example' })]);
    assert.equal(outcome(checkEnvelopeSender(config, USER, aUser(), news)), 'pass');
  });

  test('does not help another sender', () => {
    const config = configWith({}, [aSender(), unchecked, pending]);
    assert.match(outcome(checkEnvelopeSender(config, USER, aUser(), unproven)), /^refuse: 550 /);
    assert.match(outcome(checkEnvelopeSender(config, USER, aUser(), ceo)), /^refuse: 550 /);
  });
});

describe('the envelope sender', () => {
  const judge = (mailbox: typeof orders | undefined, config = configWith()) =>
    outcome(checkEnvelopeSender(config, USER, aUser(), mailbox));

  test('passes where a verified sender covers it', () => assert.equal(judge(orders), 'pass'));

  test('is refused by the name of the sender object that is still to be verified', () => {
    assert.equal(
      judge(unproven),
      'refuse: 550 5.7.1 news@pending.example: sender not verified; see VerifiedSender shop/pending-example',
    );
  });

  test('is refused where nothing covers it', () => {
    assert.equal(
      judge(ceo),
      'refuse: 550 5.7.1 ceo@elsewhere.example: sender not authorized for SMTP+ user orders.shop',
    );
  });

  test('passes where one sender that covers it is verified and another is not', () => {
    const address = aSender({ sender: 'orders@shop.example', verified: false });
    assert.equal(judge(orders, configWith({}, [address, aSender()])), 'pass');
    assert.equal(judge(orders, configWith({}, [aSender(), address])), 'pass');
  });

  test('is shown as the client wrote it, with nothing that could split the reply', () => {
    const verdict = checkEnvelopeSender(configWith(), USER, aUser(), ceo, 'ЦEO@Elsewhere.example\r\n250 ok');
    assert.equal(
      outcome(verdict),
      'refuse: 550 5.7.1 \\x{426}EO@Elsewhere.example\\x{D}\\x{A}250 ok: sender not authorized for SMTP+ user orders.shop',
    );
  });

  test('that is null is a matter of its own policy', () => {
    assert.equal(judge(undefined), 'refuse: 550 5.7.1 Empty sender not allowed here');
    assert.equal(judge(undefined, configWith({ nullSender: 'Allow' })), 'pass');
    assert.match(judge(undefined, configWith({ envelopeFrom: 'Audit' })), /^refuse: .*Empty sender/);
  });

  test('of a user with nothing verified is refused before all else, null and audited ones too', () => {
    const config = configWith({ envelopeFrom: 'Audit', headerFrom: 'Audit', nullSender: 'Allow' }, [pending]);
    for (const mailbox of [orders, unproven, undefined]) {
      assert.equal(judge(mailbox, config), 'refuse: 550 5.7.1 SMTP+ user orders.shop has no verified sender');
    }
  });

  test('that would be refused is noted where the list audits', () => {
    const config = configWith({ envelopeFrom: 'Audit' });
    assert.match(judge(ceo, config), /^audit: 550 5\.7\.1 ceo@elsewhere\.example: sender not authorized/);
    assert.match(judge(unproven, config), /^audit: 550 5\.7\.1 news@pending\.example: sender not verified/);
    assert.equal(judge(orders, config), 'pass');
  });

  test('is refused strictly where the list is not in the configuration', () => {
    const config = aConfig({ lists: {} });
    assert.match(judge(ceo, config), /^refuse/);
    assert.match(judge(undefined, config), /^refuse/);
    assert.equal(judge(orders, config), 'pass');
  });
});

describe('the header sender', () => {
  test('has replies that say From and help with web forms', () => {
    const judge = (mailbox: typeof orders) => outcome(checkHeaderSender(configWith(), USER, aUser(), mailbox));
    assert.equal(judge(orders), 'pass');
    assert.equal(
      judge(ceo),
      'refuse: 550-5.7.1 From ceo@elsewhere.example is not authorized for SMTP+ user orders.shop\r\n' +
        '550 5.7.1 If it comes from a web form, keep From fixed and put the visitor in Reply-To',
    );
    assert.match(judge(unproven), /^refuse: 550-5\.7\.1 From news@\S+ is not verified; see VerifiedSender shop\/pend/);
  });

  test('is audited apart from the envelope sender', () => {
    const audits = (config: ReturnType<typeof configWith>) => [
      outcome(checkEnvelopeSender(config, USER, aUser(), ceo)).split(':')[0],
      outcome(checkHeaderSender(config, USER, aUser(), ceo)).split(':')[0],
    ];
    assert.deepEqual(audits(configWith({ envelopeFrom: 'Audit' })), ['audit', 'refuse']);
    assert.deepEqual(audits(configWith({ headerFrom: 'Audit' })), ['refuse', 'audit']);
  });

  test('in another field is named with the field and judged as From is', () => {
    const judge = (config: ReturnType<typeof configWith>) =>
      outcome(checkFieldSender(config, USER, aUser(), ceo, { field: 'Sender', shown: 'CEO@elsewhere.example' }));
    assert.equal(
      judge(configWith()),
      'refuse: 550 5.7.1 Sender CEO@elsewhere.example: sender not authorized for SMTP+ user orders.shop',
    );
    assert.match(judge(configWith({ headerFrom: 'Audit' })), /^audit/);
  });
});
