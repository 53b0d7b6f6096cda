/** Texts of the settings file that more than one part of it uses. */
import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { hostName, upstreamHost } from '../api/names.ts';

/** A path: an empty one would mean the working folder to some, and nothing to others. */
export const path = z.string().min(1);

/** `smtp.example:25` has the letters of an IPv6 address, and is none. */
export const serverName = hostName.refine((text) => !text.includes(':') || isIPv6(text), {
  message: 'must be a host name or an IP address, without port, scheme or brackets',
});

/** Of a server that is connected to; a final dot switches the search list off. */
export const serverAddress = upstreamHost
  .refine((text) => !text.includes(':') || isIPv6(text), {
    message: 'must be a host name or an IP address, without port, scheme or brackets',
  })
  .refine((text) => !/^[0-9.]+[.]$/.test(text), { message: 'must not end in a dot where it is an IP address' });
