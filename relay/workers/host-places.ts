/**
 * The connections to each smart host, divided among the workers that have mail for it: together they never have more
 * open than its owner allows, and none is left out for long. What one worker is to give up goes to another only once it
 * has been given up.
 */

/** Each has an own way to a smart host, until it is gone. */
export interface Holder {
  /** It may have this many open; where it has more, it says when that is over. */
  readonly tell: (granted: number) => void;
}

export interface Wish {
  readonly host: string;
  /** That its owner allows. */
  readonly most: number;
  readonly wanted: number;
  /** It was told to have fewer, and has no more than this many now. */
  readonly left?: number | undefined;
}

export interface HostPlaces {
  readonly hear: (holder: Holder, wish: Wish) => void;
  /** Its process is gone, and with it its connections. */
  readonly forget: (holder: Holder) => void;
  /** To be called every few seconds: where there are fewer connections than workers, it is somebody else's turn. */
  readonly rotate: () => void;
}

interface Share {
  wanted: number;
  /** It may have this many open, whatever it has been told since. */
  bound: number;
  /** It has been told to have fewer, and has not said that it has. */
  isLowering: boolean;
}

interface Host {
  readonly most: number;
  /** In the order in which places are dealt. */
  readonly shares: Map<Holder, Share>;
}

export function createHostPlaces(): HostPlaces {
  const hosts = new Map<string, Host>();

  function settle(name: string, host: Host): void {
    const targets = deal(host);
    for (const [holder, share] of host.shares) {
      const target = targets.get(holder) ?? 0;
      if (share.isLowering || target >= share.bound) continue;
      share.isLowering = true;
      holder.tell(target);
    }
    let free = host.most - sumOf([...host.shares.values()].map(({ bound }) => bound));
    for (const [holder, share] of host.shares) {
      const more = Math.min(free, (targets.get(holder) ?? 0) - share.bound);
      if (share.isLowering || more <= 0) continue;
      share.bound += more;
      free -= more;
      holder.tell(share.bound);
    }
    for (const [holder, { wanted, bound }] of host.shares) if (wanted + bound === 0) host.shares.delete(holder);
    if (host.shares.size === 0) hosts.delete(name);
  }

  return {
    hear: (holder, { host: name, most, wanted, left }) => {
      const host = hosts.get(name) ?? { most, shares: new Map<Holder, Share>() };
      hosts.set(name, host);
      const share = host.shares.get(holder) ?? { wanted, bound: 0, isLowering: false };
      host.shares.set(holder, share);
      share.wanted = wanted;
      if (left !== undefined) Object.assign(share, { bound: left, isLowering: false });
      settle(name, host);
    },
    forget: (holder) => {
      for (const [name, host] of hosts) if (host.shares.delete(holder)) settle(name, host);
    },
    rotate: () => {
      for (const [name, host] of hosts) {
        const wanting = [...host.shares.values()].filter(({ wanted }) => wanted > 0);
        const [first] = host.shares;
        if (wanting.length <= host.most || first === undefined) continue;
        host.shares.delete(first[0]);
        host.shares.set(...first);
        settle(name, host);
      }
    },
  };
}

/** One by one, as long as there are some and somebody wants one. */
function deal({ most, shares }: Host): ReadonlyMap<Holder, number> {
  const dealt = new Map<Holder, number>();
  for (let left = most, isOver = false; left > 0 && !isOver;) {
    isOver = true;
    for (const [holder, { wanted }] of shares) {
      const has = dealt.get(holder) ?? 0;
      if (left === 0 || has >= wanted) continue;
      dealt.set(holder, has + 1);
      left--;
      isOver = false;
    }
  }
  return dealt;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
