/** Of certificates that follow each other: whom clients verify at every step. */
import type { Mutation } from './mutation.ts';

const TURN_OVER = ['operator/certificates/turn-over.test.ts'];

export const certificatesMutations: readonly Mutation[] = [
  {
    name: 'certificates: relays get one of a new authority before users know it',
    file: 'operator/certificates/turn-over.ts',
    from: 'told !== undefined && Date.parse(told) <= latest',
    to: 'true',
    tests: TURN_OVER,
  },
  {
    name: 'certificates: applications have no time to take up a new authority',
    file: 'operator/certificates/turn-over.ts',
    from: 'told !== undefined && Date.parse(told) <= latest',
    to: 'told !== undefined',
    tests: TURN_OVER,
  },
  {
    name: 'certificates: an authority is forgotten while a relay still uses it',
    file: 'operator/certificates/turn-over.ts',
    from: 'return [isOldGone ?',
    to: 'return [true ?',
    tests: TURN_OVER,
  },
  {
    name: 'certificates: one that is about to expire waits for whoever has not been told',
    file: 'operator/certificates/turn-over.ts',
    from: ' || now.getTime() >= lastMoment(served.cert)',
    to: '',
    tests: TURN_OVER,
  },
  {
    name: 'certificates: what clients would refuse takes the place of what they take',
    file: 'operator/certificates/secret-offer.ts',
    from: 'if (troubles.length > 0 && served !== undefined && isGood(served, wish)) return { troubles };',
    to: '',
    tests: TURN_OVER,
  },
];
