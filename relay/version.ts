import packageJson from '../package.json' with { type: 'json' };

/** Version of this program: relays and their operator have the same one, except while they are being replaced. */
export const VERSION = packageJson.version;
