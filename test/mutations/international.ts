/** Of SMTPUTF8: each takes one address for another, or sends what the smart host has not offered to take. */
import type { Mutation } from './mutation.ts';

const ADDRESS = ['relay/address.test.ts'];
const HEADER = ['relay/checks/from-header.test.ts'];
const WAY = ['test/relay/delivery-smtputf8.test.ts'];
const DIALOGS = ['test/relay/dialogs.test.ts'];

export const internationalMutations: readonly Mutation[] = [
  {
    name: 'full-width letters count as letters of an address',
    file: 'relay/address.ts',
    from: "text.normalize('NFKC') === composed",
    to: 'true',
    tests: ADDRESS,
  },
  {
    name: 'the Kelvin sign counts as a K',
    file: 'relay/address.ts',
    from: "isAscii(character.normalize('NFC'))",
    to: 'false',
    tests: ADDRESS,
  },
  {
    name: 'composition may make another sign',
    file: 'relay/address.ts',
    from: 'UNAMBIGUOUS.test(composed) &&',
    to: '',
    tests: ADDRESS,
  },
  {
    name: 'letters of two directions may stand in one word of an address',
    file: 'relay/address.ts',
    from: '.example`) !== undefined',
    to: '.example`) !== null',
    tests: ADDRESS,
  },
  {
    name: 'the domain in a header may be written in full-width letters',
    file: 'relay/checks/mailbox-list.ts',
    from: '|| !isUnambiguous(address)',
    to: '',
    tests: HEADER,
  },
  {
    name: 'octets of a header are read as UTF-8 though nobody said that they are',
    file: 'relay/checks/header-section.ts',
    from: "return isUtf8 ? Buffer.from(octets, 'latin1').toString('utf8') : undefined;",
    to: "return Buffer.from(octets, 'latin1').toString('utf8');",
    tests: HEADER,
  },
  {
    name: 'international addresses are taken from clients that did not ask for SMTPUTF8',
    file: 'relay/submission/mail.ts',
    from: '(isOffered && isAsked)',
    to: 'isOffered',
    tests: DIALOGS,
  },
  {
    name: 'a smart host without SMTPUTF8 is sent international mail',
    file: 'relay/delivery/upstream-send.ts',
    from: 'international !== undefined && !smtpUtf8',
    to: 'false',
    tests: WAY,
  },
  {
    name: 'the spool forgets that a header is in UTF-8',
    file: 'relay/submission/data.ts',
    from: '...(hasUtf8Header ? { hasUtf8Header } : {}),',
    to: '',
    tests: ['test/relay/smtputf8.test.ts'],
  },
  {
    name: 'recipients in ASCII wait for a server that offers SMTPUTF8',
    file: 'relay/delivery/upstream-send.ts',
    from: 'plain.length > 0 ? plain : each',
    to: 'each',
    tests: WAY,
  },
];
