/**
 * TLS between the relays of a fleet. Both sides show that they have the key of the fleet (RFC 4279, with keys of its own for each
 * connection: RFC 5489), which the operator keeps in the configuration, and in no certificate that could be issued to somebody
 * else, expire or be renewed at the wrong moment. The one cipher suite knows no other way in: neither a client without the key
 * nor a server with somebody's good certificate gets past the handshake.
 */
const IDENTITY = 'smtp-plus';
const SUITE = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305',
} as const;

/** A peer has nothing to look up, and nothing to decide. */
const HANDSHAKE_MS = 5000;

/** @param key of the fleet, in hex; undefined while none is known */
export function serverSide(key: () => string | undefined) {
  return {
    ...SUITE,
    handshakeTimeout: HANDSHAKE_MS,
    pskCallback: (_: unknown, identity: string) => {
      const known = identity === IDENTITY ? key() : undefined;
      return known === undefined ? null : Buffer.from(known, 'hex');
    },
  };
}

export function clientSide(key: string) {
  return {
    ...SUITE,
    pskCallback: () => ({ identity: IDENTITY, psk: Buffer.from(key, 'hex') }),
    // there is no certificate to look at
    checkServerIdentity: () => undefined,
  };
}
