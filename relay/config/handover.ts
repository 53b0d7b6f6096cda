import { z } from 'zod';

/**
 * How relays of the class give their mail to each other when one of them goes for good. Absent where
 * nobody knows how many there are to be: none hands over mail then, and none takes any.
 */
export const handoverSchema = z.object({
  /** What they know each other by, in hex. */
  key: z.string().regex(/^[0-9a-f]{64}$/),
  /** How many relays there are to be: those whose number is not below go for good. */
  relays: z.number().int().min(0),
});
