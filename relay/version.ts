import packageJson from '../package.json' with { type: 'json' };

/** Of this program: relays and their operator are of one, and may be of two while they are replaced. */
export const VERSION = packageJson.version;
