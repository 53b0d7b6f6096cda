export interface RequestLimit {
  readonly take: () => boolean;
}

/** A token bucket: `most` at once, and `perSecond` a second after that. */
export function createRequestLimit({
  perSecond,
  most,
  now = () => performance.now(),
}: {
  readonly perSecond: number;
  readonly most: number;
  readonly now?: (() => number) | undefined;
}): RequestLimit {
  let left = most;
  let last = now();
  return {
    take: () => {
      const time = now();
      left = Math.min(most, left + ((time - last) / 1000) * perSecond);
      last = time;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
