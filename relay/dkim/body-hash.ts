/**
 * The hash of a body in its relaxed form (RFC 6376 section 3.4.4), computed piece by piece while a message comes in:
 * white space counts once within a line and not at its end, and empty lines at the end do not count at all. It holds
 * two octets and a number, however much comes.
 */
import { createHash } from 'node:crypto';

export interface BodyHash {
  readonly push: (octets: Buffer) => void;
  /** In base64, as the tag `bh=` has it. To be asked once, at the end. */
  readonly digest: () => string;
}

/** Whether anything within is not in relaxed form yet. */
const TO_RELAX = /\t|  | \r/;
/** How many at a time are hashed of the empty lines that were held back and turn out not to be the last. */
const LINES = Buffer.from('\r\n'.repeat(1024));

export function createBodyHash(): BodyHash {
  const hash = createHash('sha256');
  /** White space and a CR, of which only the next octets tell what they are. */
  let tail = '';
  /** Line ends after what has been hashed: they count once something follows. */
  let lineEnds = 0;
  let isEmpty = true;

  function push(octets: Buffer): void {
    const text = tail + octets.toString('latin1');
    const relaxed = TO_RELAX.test(text) ? text.replaceAll(/[ \t]+/g, ' ').replaceAll(' \r\n', '\r\n') : text;
    // where nothing has changed, the octets themselves are hashed
    const isAsSent = tail === '' && relaxed === text;
    const whole = relaxed.length - openEnd(relaxed);
    let end = whole;
    while (end > 0 && relaxed.startsWith('\r\n', end - 2)) end -= 2;
    tail = relaxed.slice(whole);
    if (end > 0) {
      hashLineEnds();
      if (isAsSent) hash.update(octets.subarray(0, end));
      else hash.update(relaxed.slice(0, end), 'latin1');
      isEmpty = false;
    }
    lineEnds += (whole - end) / 2;
  }

  function hashLineEnds(): void {
    for (; lineEnds > 0; lineEnds -= LINES.length / 2) {
      hash.update(lineEnds * 2 < LINES.length ? LINES.subarray(0, lineEnds * 2) : LINES);
    }
    lineEnds = 0;
  }

  return {
    push,
    digest: () => {
      if (!isEmpty) hash.update('\r\n');
      return hash.digest('base64');
    },
  };
}

/** Length of the white space and the CR at the end. */
function openEnd(relaxed: string): number {
  const cr = relaxed.endsWith('\r') ? 1 : 0;
  return cr + (relaxed.startsWith(' ', relaxed.length - cr - 1) ? 1 : 0);
}
